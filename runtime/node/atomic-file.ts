/** Chunks of bytes to a file that appears whole or not at all: written beside its place, then renamed. */

import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { type MvcError, mvcError, reasonOf, throwIfAborted } from "../errors.ts";

/**
 * Writes the chunks in their order; on any failure nothing is left and what was there before stays.
 * @throws MvcError `disk-full`, `write-failed`, `aborted`; an error that `chunks` throws passes through.
 */
export async function writeAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const wrap = (error: unknown): never => {
    throw writeError(path, error);
  };
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.part`;
  const handle = await open(temporary, "wx").catch(wrap);
  try {
    try {
      for await (const chunk of chunks) {
        throwIfAborted(signal, `writing ${path}`);
        await writeAll(handle, chunk).catch(wrap);
      }
      throwIfAborted(signal, `writing ${path}`);
      await handle.sync().catch(wrap);
    } finally {
      await handle.close().catch(wrap);
    }
    await rename(temporary, path).catch(wrap);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** One `write` may take only a part of the chunk. */
async function writeAll(handle: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.length) done += (await handle.write(chunk, done)).bytesWritten;
}

function writeError(file: string, error: unknown): MvcError {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOSPC" || code === "EDQUOT"
    ? mvcError("disk-full", { file })
    : mvcError("write-failed", { file, reason: reasonOf(error) });
}
