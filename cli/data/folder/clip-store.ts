/** Clips of films as they were decoded, cut and resized to a file for each film in a cache, and back, each clip held to its digest. */

import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { MvcError, mvcError } from "../../../runtime/errors.ts";
import { attempt } from "../../../runtime/node/output-file.ts";
import { openRegular, readAt } from "../../../runtime/node/regular-file.ts";
import { readSafetensorsHeader, writeSafetensors } from "../../../runtime/node/safetensors-file.ts";
import type { ClipSize } from "../../../training/dataset.ts";

/** Where caches lie on each system. */
export function defaultCache(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "mvc");
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "mvc");
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "mvc");
}

/** The clips of one film. */
export interface StoredClips {
  readonly path: string;
  /** sha256 of each clip's pixels. */
  readonly sums: readonly string[];
  /** Whether frames of the film come again in one of them, as it has fewer a second than were asked for. */
  readonly repeats: boolean;
  /** Byte of the first clip. */
  readonly start: number;
}

/** What is known of a film before its clips are decoded. */
export interface DecodedFilm extends Pick<StoredClips, "repeats"> {
  readonly name: string;
  /** How many clips it gives. */
  readonly count: number;
}

export interface ClipStore {
  /** What an earlier run has kept under a key. */
  find(key: string): Promise<StoredClips | undefined>;
  /**
   * Keeps clips u8 [F, H, W, 3] of a film under a key, whole or not at all. An error that `clips` throws passes through.
   * Throws MvcError `disk-full`, `write-failed`, `aborted`.
   */
  keep(key: string, film: DecodedFilm, clips: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<StoredClips>;
  /** Throws MvcError `file-unreadable`, `file-missing` where the cache has been changed since. */
  read(stored: StoredClips, index: number): Uint8Array;
}

const SUM = 32;

export function clipStore(cache: string, { frames, height, width }: ClipSize): ClipStore {
  const bytes = frames * height * width * 3;
  const place = (key: string) => join(cache, "clips", key.slice(0, 2), `${key}.safetensors`);
  const found = async (path: string): Promise<StoredClips | undefined> => {
    const { tensors, metadata } = await readSafetensorsHeader(path);
    const repeats = metadata.get("repeats");
    // Older versions did not say.
    if (repeats === undefined) return undefined;
    const [clips, sums] = [tensors.get("clips"), tensors.get("sums")];
    const count = clips?.shape[0] ?? 0;
    if (clips === undefined || clips.shape.slice(1).join() !== [frames, height, width, 3].join()) return undefined;
    if (sums?.shape.join() !== [count, SUM].join()) return undefined;
    const digests = readPart(path, sums.start, sums.end - sums.start);
    const hex = Buffer.from(digests).toString("hex");
    const each = Array.from({ length: count }, (_, i) => hex.slice(2 * SUM * i, 2 * SUM * (i + 1)));
    return { path, start: clips.start, sums: each, repeats: repeats === "true" };
  };
  return {
    async find(key) {
      const path = place(key);
      if (!existsSync(path)) return undefined;
      try {
        return await found(path);
      } catch (thrown) {
        // What is not whole is made again.
        if (thrown instanceof MvcError && thrown.code === "weights-invalid") return undefined;
        throw thrown;
      }
    },
    async keep(key, { name, count, repeats }, clips, signal) {
      const path = place(key);
      attempt(path, () => mkdirSync(dirname(path), { recursive: true }));
      const sums: Uint8Array[] = [];
      const pixels = async function* () {
        for await (const clip of clips) {
          sums.push(createHash("sha256").update(clip).digest());
          yield clip;
        }
      };
      const tensors = [
        { name: "clips", dtype: "U8" as const, shape: [count, frames, height, width, 3], chunks: pixels },
        { name: "sums", dtype: "U8" as const, shape: [count, SUM], chunks: () => sums },
      ];
      const metadata = { film: name, repeats: String(repeats) };
      await writeSafetensors(path, tensors, { metadata, ...(signal === undefined ? {} : { signal }) });
      return (await found(path)) as StoredClips;
    },
    read({ path, start, sums }, index) {
      const clip = readPart(path, start + index * bytes, bytes);
      if (createHash("sha256").update(clip).digest("hex") === sums[index]) return clip;
      throw mvcError("file-unreadable", {
        file: path,
        reason: `clip ${index} in it has been changed`,
        way: "remove the file and run it again",
      });
    },
  };
}

function readPart(path: string, start: number, bytes: number): Uint8Array {
  const { descriptor } = openRegular(path, "a film's clips in the cache");
  try {
    const part = new Uint8Array(bytes);
    return part.subarray(0, readAt(descriptor, part, start, path));
  } finally {
    closeSync(descriptor);
  }
}
