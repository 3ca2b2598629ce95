/** Files to the digests of their bytes, read once: what stands in a list of an earlier run is taken from there while the file is the same. */

import { createHash } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { throwIfAborted } from "../../../runtime/errors.ts";
import { writeAtomically } from "../../../runtime/node/atomic-file.ts";
import { attempt } from "../../../runtime/node/output-file.ts";
import { openRegular, readAt } from "../../../runtime/node/regular-file.ts";

/**
 * Milliseconds. File systems keep times in ticks of up to two seconds, in which a file can change twice and look the same: one that
 * changed so recently is read again the next time.
 */
const TICK = 3000;

const BLOCK = 2 ** 20;

export interface KnownFiles {
  /** sha256 in hex. Throws MvcError `file-unreadable`, `file-missing`, `aborted`. */
  digest(path: string): Promise<string>;
  /** Whether a file is still the one that was read. */
  unchanged(path: string): boolean;
  /** Keeps what was asked for, for the next run. Throws MvcError `write-failed`, `disk-full`. */
  keep(): Promise<void>;
}

/** `cache` is the folder in which lists are kept, one for each data set. */
export function knownFiles(cache: string, folder: string, signal?: AbortSignal): KnownFiles {
  const place = join(cache, "files", `${sha256(realpathSync(folder))}.json`);
  const before = readList(place);
  const now = new Map<string, readonly [stamp: string, digest: string]>();
  const stamps = new Map<string, string>();
  return {
    async digest(path) {
      const { descriptor } = openRegular(path, "the film");
      try {
        const { stamp, changed } = stampOf(descriptor);
        const [known, digest] = before.get(path) ?? [];
        const found = known === stamp && digest !== undefined ? digest : await read(descriptor, path, signal);
        stamps.set(path, stamp);
        if (Date.now() - changed > TICK) now.set(path, [stamp, found]);
        return found;
      } finally {
        closeSync(descriptor);
      }
    },
    unchanged(path) {
      const { descriptor } = openRegular(path, "the film");
      try {
        return stampOf(descriptor).stamp === stamps.get(path);
      } finally {
        closeSync(descriptor);
      }
    },
    async keep() {
      const list = JSON.stringify(Object.fromEntries(now));
      if (list === JSON.stringify(Object.fromEntries(before))) return;
      attempt(place, () => mkdirSync(dirname(place), { recursive: true }));
      await writeAtomically(place, [Buffer.from(list)], signal);
    },
  };
}

/** All that a change of a file changes: programs can set its own time back, but not that of the change. Beside it, that time in milliseconds. */
function stampOf(descriptor: number): { readonly stamp: string; readonly changed: number } {
  const { size, mtimeNs, ctimeNs, ino, dev } = fstatSync(descriptor, { bigint: true });
  return { stamp: [size, mtimeNs, ctimeNs, ino, dev].join(" "), changed: Number(ctimeNs / 1_000_000n) };
}

async function read(descriptor: number, path: string, signal: AbortSignal | undefined): Promise<string> {
  const sum = createHash("sha256");
  const block = new Uint8Array(BLOCK);
  for (let at = 0; ; ) {
    throwIfAborted(signal, `reading ${path}`);
    const taken = readAt(descriptor, block, at, path);
    sum.update(block.subarray(0, taken));
    at += taken;
    if (taken < BLOCK) return sum.digest("hex");
    await new Promise(setImmediate);
  }
}

/** What cannot be read is as good as none: it is made again. */
function readList(place: string): ReadonlyMap<string, readonly [stamp: string, digest: string]> {
  try {
    const list: { readonly [path: string]: unknown } = JSON.parse(readFileSync(place, "utf8"));
    return new Map(
      Object.entries(list).flatMap(([path, entry]) => {
        const [stamp, digest] = Array.isArray(entry) ? entry : [];
        return typeof stamp === "string" && typeof digest === "string" ? [[path, [stamp, digest]] as const] : [];
      }),
    );
  } catch {
    return new Map();
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
