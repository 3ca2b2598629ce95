/** A package behind an address to its files, with the bytes counted as they come in, and none asked for twice. */

import { mvcError, reasonOf } from "../errors.ts";
import type { PackageFiles } from "../package.ts";

export interface CountedFiles extends PackageFiles {
  /** Lets go of the files that are held in memory: those that were read whole. */
  release(): void;
}

/**
 * `address` is the package's folder, relative to the page or whole; `onBytes` hears the sum so far. Files are read in
 * ranges where the server knows them. Errors: MvcError `file-unreadable`, `aborted`.
 */
export function countedFiles(address: string, signal: AbortSignal | undefined, onBytes: (sum: number) => void): CountedFiles {
  const whole = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  /** Bytes that came in ranges before a file was asked for whole. */
  const ahead = new Map<string, number>();
  let sum = 0;
  const count = (bytes: number) => {
    sum += bytes;
    onBytes(sum);
  };
  const urlOf = (file: string) => `${address.replace(/\/$/, "")}/${file}`;
  const failed = (file: string) => (error: unknown) => {
    if (signal?.aborted) throw mvcError("aborted", { during: "the download" });
    throw mvcError("file-unreadable", { file: urlOf(file), reason: reasonOf(error) });
  };
  const ask = async (file: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(urlOf(file), { ...init, ...(signal === undefined ? {} : { signal }) });
    if (!response.ok && init.method !== "HEAD") throw new Error(`the server answers ${response.status}`);
    return response;
  };
  const fetchWhole = async (file: string): Promise<Uint8Array<ArrayBuffer>> => {
    let counted = ahead.get(file) ?? 0;
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const reader = (await ask(file)).body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      chunks.push(part.value);
      const again = Math.min(counted, part.value.byteLength);
      counted -= again;
      count(part.value.byteLength - again);
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  };
  const fetchRange = async (file: string, start: number, end: number | undefined): Promise<Uint8Array> => {
    const response = await ask(file, { headers: { range: `bytes=${start}-${end === undefined ? "" : end - 1}` } });
    const bytes = new Uint8Array(await response.arrayBuffer());
    ahead.set(file, (ahead.get(file) ?? 0) + bytes.byteLength);
    count(bytes.byteLength);
    // A server that knows no ranges answers with the whole file.
    return response.status === 206 ? bytes : bytes.subarray(start, end);
  };
  const download = (file: string): Promise<Uint8Array<ArrayBuffer>> => {
    let held = whole.get(file);
    if (held === undefined) {
      held = fetchWhole(file).catch(failed(file));
      whole.set(file, held);
    }
    return held;
  };
  return {
    name: address,
    size: async (file) => {
      const response = await ask(file, { method: "HEAD" }).catch(failed(file));
      const length = response.headers.get("content-length");
      return response.ok && length !== null ? Number(length) : undefined;
    },
    read: async (file, start = 0, end) => {
      if (end === start) return new Uint8Array();
      // What is held was asked for whole, to be hashed; parts of other files stay on the server until they are needed.
      if (whole.has(file) || (start === 0 && end === undefined)) return (await download(file)).subarray(start, end);
      return fetchRange(file, start, end).catch(failed(file));
    },
    sha256: async (file) => {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await download(file)));
      return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
    release: () => whole.clear(),
  };
}
