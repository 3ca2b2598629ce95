/** A folder behind an address as the files of a package. */

import { mvcError, reasonOf } from "../errors.ts";
import type { PackageFiles } from "../package.ts";

/** `base` is the package's address, relative to the page or whole. Files are read in ranges where the server knows them. */
export function httpFiles(base: string, signal?: AbortSignal): PackageFiles {
  const root = base.endsWith("/") ? base : `${base}/`;
  const ask = async (file: string, init: RequestInit): Promise<Response> => {
    try {
      return await fetch(`${root}${file}`, { ...init, ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      if (signal?.aborted) throw mvcError("aborted", { during: "loading" });
      throw mvcError("file-unreadable", { file: `${root}${file}`, reason: reasonOf(error) });
    }
  };
  const bytesOf = async (file: string, response: Response): Promise<Uint8Array> => {
    if (!response.ok) throw mvcError("file-unreadable", { file: `${root}${file}`, reason: `the server answers ${response.status}` });
    return new Uint8Array(
      await response.arrayBuffer().catch((error: unknown) => {
        if (signal?.aborted) throw mvcError("aborted", { during: "loading" });
        throw mvcError("file-unreadable", { file: `${root}${file}`, reason: reasonOf(error) });
      }),
    );
  };
  return {
    name: base,
    size: async (file) => {
      const response = await ask(file, { method: "HEAD" });
      const length = response.headers.get("content-length");
      return response.ok && length !== null ? Number(length) : undefined;
    },
    read: async (file, start = 0, end) => {
      if (end === undefined && start === 0) return bytesOf(file, await ask(file, {}));
      if (end === start) return new Uint8Array();
      const response = await ask(file, { headers: { range: `bytes=${start}-${end === undefined ? "" : end - 1}` } });
      const bytes = await bytesOf(file, response);
      // A server that knows no ranges answers with the whole file.
      return response.status === 206 ? bytes : bytes.subarray(start, end);
    },
    sha256: async (file) => {
      const digest = await crypto.subtle.digest("SHA-256", (await bytesOf(file, await ask(file, {}))) as Uint8Array<ArrayBuffer>);
      return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
  };
}
