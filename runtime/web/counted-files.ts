/** A package behind an address to its files, none downloaded twice, with the bytes counted against what its manifest says. */

import type { FileSpec, Manifest } from "../../compiler/package/manifest.ts";
import { mvcError, reasonOf } from "../errors.ts";
import { alwaysHashed, type PackageFiles } from "../package.ts";
import { sampledGraphs } from "../roles.ts";

export interface CountedFiles extends PackageFiles {
  /** Lets go of the files that are held in memory: those that were read whole. */
  release(): void;
}

/** In bytes. `total` is known from the manifest: of weights of 64 MiB and more, which are read as far as graphs need them, the most. */
export interface Download {
  readonly loaded: number;
  readonly total: number;
}

export interface Downloading {
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

/** The files that are downloaded for a clip: of the graphs, those that make one. */
export function filesToSample({ graphs, sampler, tokenizer, weights }: Manifest): readonly FileSpec[] {
  const names = sampler === null ? Object.keys(graphs) : sampledGraphs(sampler);
  const plans = names.flatMap((name) => {
    const { webgpu } = (Object.hasOwn(graphs, name) ? graphs[name] : undefined) ?? {};
    return webgpu === undefined ? [] : [webgpu.plan, webgpu.kernels];
  });
  const { file, bytes, sha256 } = weights;
  return [...(tokenizer === null ? [] : [tokenizer]), ...plans, ...(sha256 === undefined ? [] : [{ file, bytes, sha256 }])];
}

/**
 * `address` is the package's folder, relative to the page or whole. Files are asked for with their hash in the address, so that
 * caches may keep them for ever and never give one of an older package; nothing is asked about before: in Chromium a HEAD
 * throws away what was cached. Errors: MvcError `file-unreadable`, `aborted`.
 */
export function countedFiles(address: string, manifest: Manifest, { signal, onBytes }: Downloading = {}): CountedFiles {
  const whole = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const stated = new Map(statedFiles(manifest).map((spec) => [spec.file, spec]));
  const counted = new Map(filesToSample(manifest).map(({ file, bytes }) => [file, { loaded: 0, bytes }]));
  const total = [...counted.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  let percent = -1;
  const count = (file: string, loaded: number) => {
    const known = counted.get(file);
    if (known === undefined) return;
    // What comes again, in a range and then whole, is counted once.
    known.loaded = Math.max(known.loaded, Math.min(known.bytes, loaded));
    const sum = [...counted.values()].reduce((all, one) => all + one.loaded, 0);
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
  const toBeHashed = (file: string) => (stated.get(file)?.bytes ?? Number.POSITIVE_INFINITY) < alwaysHashed;
  count(manifest.weights.file, 0);
  // Small files first, side by side: plans are there when the weights are.
  for (const { file } of filesToSample(manifest)) if (toBeHashed(file)) download(file).catch(() => {});
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
      // A cache may hold what another build left at the same address.
      return found === expected ? found : digest(await download(file, "reload"));
    },
    release: () => whole.clear(),
  };
}

function statedFiles({ graphs, tokenizer, weights }: Manifest): readonly FileSpec[] {
  const { file, bytes, sha256 } = weights;
  const ofGraphs = Object.values(graphs).flatMap(({ onnx, webgpu }) => [onnx, webgpu?.plan, webgpu?.kernels]);
  return [...ofGraphs, tokenizer ?? undefined, sha256 === undefined ? undefined : { file, bytes, sha256 }].filter(
    (one) => one !== undefined,
  );
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
