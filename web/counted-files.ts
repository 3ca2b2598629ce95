/** A package behind an address to its files, with the bytes counted as they come in, and none asked for twice. */

import { mvcError, reasonOf } from "../runtime/errors.ts";
import type { PackageFiles } from "../runtime/package.ts";
import { httpFiles } from "../runtime/web/http-files.ts";

export interface CountedFiles extends PackageFiles {
  /** Lets go of the files that are held in memory: those that were read whole. */
  release(): void;
}

/** `onBytes` hears the sum so far. Errors as `httpFiles`. */
export function countedFiles(address: string, signal: AbortSignal, onBytes: (sum: number) => void): CountedFiles {
  const http = httpFiles(address, signal);
  const whole = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  /** Bytes that came in ranges before a file was asked for whole. */
  const ahead = new Map<string, number>();
  let sum = 0;
  const count = (bytes: number) => {
    sum += bytes;
    onBytes(sum);
  };
  const download = (file: string): Promise<Uint8Array<ArrayBuffer>> => {
    let held = whole.get(file);
    if (held === undefined) {
      let counted = ahead.get(file) ?? 0;
      held = fetchCounted(`${address}/${file}`, signal, (bytes) => {
        const again = Math.min(counted, bytes);
        counted -= again;
        count(bytes - again);
      });
      whole.set(file, held);
    }
    return held;
  };
  return {
    name: address,
    size: http.size,
    read: async (file, start = 0, end) => {
      // What is held was asked for whole, to be hashed; parts of other files stay on the server until they are needed.
      if (whole.has(file) || (start === 0 && end === undefined)) return (await download(file)).subarray(start, end);
      const bytes = await http.read(file, start, end);
      ahead.set(file, (ahead.get(file) ?? 0) + bytes.byteLength);
      count(bytes.byteLength);
      return bytes;
    },
    sha256: async (file) => {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await download(file)));
      return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
    release: () => whole.clear(),
  };
}

async function fetchCounted(url: string, signal: AbortSignal, count: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      chunks.push(part.value);
      count(part.value.byteLength);
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  } catch (error) {
    if (signal.aborted) throw mvcError("aborted", { during: "the download" });
    throw mvcError("file-unreadable", { file: url, reason: reasonOf(error) });
  }
}
