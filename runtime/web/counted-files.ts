/** A package behind an address to its files, none downloaded twice, with the bytes counted against what its manifest says. */

import type { Manifest } from "../../compiler/package/manifest.ts";
import { mvcError, reasonOf } from "../errors.ts";
import { alwaysHashed, type PackageFiles } from "../package.ts";
import { filesToSample, statedFiles, type Target } from "./needed-files.ts";

export interface CountedFiles extends PackageFiles {
  /** Lets go of the files that are held in memory: those that were read whole. */
  release(): void;
}

/**
 * In bytes. `total` is known from the manifest: of weights of 64 MiB and more, which are read as far as graphs need them, the most. It grows
 * where more than a clip's own files is asked for: at guidance 1, those of the graph that is looped then.
 */
export interface Download {
  readonly loaded: number;
  readonly total: number;
}

export interface Downloading {
  /** What the clip will be computed by; "webgpu" when not given. */
  readonly target?: Target;
  readonly signal?: AbortSignal | undefined;
  /** Heard at each whole percent of what a clip needs. */
  readonly onBytes?: ((download: Download) => void) | undefined;
}

/** The text of an address's manifest. Throws MvcError `not-a-package`, `file-unreadable`, `aborted`. */
export async function fetchManifest(address: string, signal: AbortSignal | undefined): Promise<string> {
  const url = urlOf(address, "manifest.json");
  const response = await ask(url, { ...(signal && { signal }) }).catch(failed(url, signal));
  if (response.status === 404) throw mvcError("not-a-package", { folder: address });
  return response.text().catch(failed(url, signal));
}

/**
 * `address` is the package's folder, relative to the page or whole. Files are asked for with their hash in the address, so that
 * caches may keep them for ever and never give one of an older package; nothing is asked about before: in Chromium a HEAD
 * throws away what was cached. Errors: MvcError `file-unreadable`, `aborted`.
 */
export function countedFiles(address: string, manifest: Manifest, { target = "webgpu", signal, onBytes }: Downloading = {}): CountedFiles {
  const whole = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const stated = new Map(statedFiles(manifest).map((spec) => [spec.file, spec]));
  const needed = filesToSample(manifest, target);
  const counted = new Map(needed.map(({ file, bytes }) => [file, { loaded: 0, bytes }]));
  /** What has the hash that the manifest states: of it, parts may come again. */
  const proven = new Set<string>();
  let percent = -1;
  const count = (file: string, loaded: number) => {
    const bytes = stated.get(file)?.bytes;
    if (bytes === undefined) return;
    if (!counted.has(file)) percent = -1;
    const known = counted.get(file) ?? { loaded: 0, bytes };
    counted.set(file, known);
    // What comes again, in a range and then whole, is counted once.
    known.loaded = Math.max(known.loaded, Math.min(known.bytes, loaded));
    tell();
  };
  const tell = () => {
    const all = [...counted.values()];
    const sum = all.reduce((bytes, { loaded }) => bytes + loaded, 0);
    const total = all.reduce((bytes, one) => bytes + one.bytes, 0);
    const now = total === 0 ? 100 : Math.floor((100 * sum) / total);
    if (now > percent) onBytes?.({ loaded: sum, total });
    percent = Math.max(percent, now);
  };
  const request = async (file: string, init: RequestInit): Promise<Response> => {
    const hash = stated.get(file)?.sha256;
    const response = await ask(urlOf(address, file, hash), { ...init, ...(signal && { signal }) });
    if (response.status === 404) throw new Error("the server answers 404");
    return response;
  };
  const fetchWhole = async (file: string, cache: RequestCache): Promise<Uint8Array<ArrayBuffer>> => {
    let loaded = 0;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const reader = (await request(file, { cache })).body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      chunks.push(part.value);
      loaded += part.value.byteLength;
      count(file, loaded);
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  };
  const fetchRange = async (file: string, start: number, end: number | undefined): Promise<Uint8Array> => {
    const response = await request(file, { headers: { range: `bytes=${start}-${end === undefined ? "" : end - 1}` } });
    const bytes = new Uint8Array(await response.arrayBuffer());
    count(file, (counted.get(file)?.loaded ?? 0) + bytes.byteLength);
    // A server that knows no ranges answers with the whole file.
    return response.status === 206 ? bytes : bytes.subarray(start, end);
  };
  const download = (file: string, cache: RequestCache = "default"): Promise<Uint8Array<ArrayBuffer>> => {
    let held = cache === "default" ? whole.get(file) : undefined;
    if (held === undefined) {
      held = fetchWhole(file, cache).catch(failed(urlOf(address, file), signal));
      held.catch(() => whole.delete(file));
      whole.set(file, held);
    }
    return held;
  };
  const toBeHashed = (file: string) => !proven.has(file) && (stated.get(file)?.bytes ?? Number.POSITIVE_INFINITY) < alwaysHashed;
  tell();
  // Small files first, side by side: plans are there when the weights are.
  for (const { file } of needed) if (toBeHashed(file)) download(file).catch(() => {});
  return {
    name: address,
    size: async (file) => stated.get(file)?.bytes,
    read: async (file, start = 0, end) => {
      if (end === start) return new Uint8Array();
      const all = whole.has(file) || toBeHashed(file) || (start === 0 && end === undefined);
      return all ? (await download(file)).subarray(start, end) : fetchRange(file, start, end).catch(failed(urlOf(address, file), signal));
    },
    sha256: async (file) => {
      const found = await digest(await download(file));
      const expected = stated.get(file)?.sha256 ?? found;
      if (found === expected) proven.add(file);
      // A cache may hold what another build left at the same address.
      return found === expected ? found : digest(await download(file, "reload"));
    },
    release: () => whole.clear(),
  };
}

function urlOf(address: string, file: string, sha256?: string): string {
  return `${address.replace(/\/$/, "")}/${file}${sha256 === undefined ? "" : `?sha256=${sha256.slice(0, 16)}`}`;
}

/** Throws where the answer is neither a file nor that there is none. */
async function ask(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok && response.status !== 404) throw new Error(`the server answers ${response.status}`);
  return response;
}

function failed(file: string, signal: AbortSignal | undefined): (error: unknown) => never {
  return (error) => {
    if (signal?.aborted) throw mvcError("aborted", { during: "the download" });
    throw mvcError("file-unreadable", { file, reason: reasonOf(error) });
  };
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
