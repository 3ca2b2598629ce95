/** Chunks of bytes to a file that appears whole or not at all: written beside its place, then renamed; to a device or a pipe as they come. */

import { write as writeDescriptor, writeSync } from "node:fs";
import { constants, type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as breath, setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { throwIfAborted } from "../errors.ts";
import { attempt, outputAt } from "./output-file.ts";
import { codeOf, writeError } from "./system-errors.ts";
import { claimTemporary } from "./temporary.ts";

/** Each may change once the next is asked for. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Writes a part of the chunk from an offset on, and says how many bytes it took. */
type Write = (chunk: Uint8Array, from: number) => Promise<number>;

/**
 * Writes the chunks in their order. A regular file is replaced (a link stays, and the file that it leads to is replaced): on
 * any failure nothing is left and what was there before stays. Devices, pipes and standard output are written through.
 * @throws MvcError `disk-full`, `write-failed`, `output-refused`, `aborted`; an error that `chunks` throws passes through.
 */
export async function writeAtomically(path: string, chunks: Chunks, signal?: AbortSignal): Promise<void> {
  const output = outputAt(path);
  if (output.kind === "open") {
    const { descriptor } = output;
    const write = promisify(writeDescriptor);
    return writeAll(async (chunk, from) => (await write(descriptor, chunk, from)).bytesWritten, path, chunks, signal);
  }
  if (output.kind === "stream") {
    const handle = await openStream(output.path, signal);
    return writeAll(by(handle), path, chunks, signal).finally(() => handle.close());
  }
  const temporary = await claimTemporary(dirname(output.path));
  try {
    await writeNew(temporary.path, path, chunks, { signal, mode: output.mode });
    await rename(temporary.path, output.path).catch(reworded(path));
  } finally {
    temporary.release();
  }
}

/** Makes a file of the chunks, which is on the disk when this is over. It is `shown` to the user. Throws as `writeAtomically`. */
export async function writeNew(
  path: string,
  shown: string,
  chunks: Chunks,
  options: { readonly signal?: AbortSignal | undefined; readonly mode?: number | undefined } = {},
): Promise<void> {
  const handle = await open(path, "wx").catch(reworded(shown));
  try {
    if (options.mode !== undefined) await handle.chmod(options.mode).catch(reworded(shown));
    await writeBlocks(handle.fd, shown, chunks, options.signal);
    await handle.sync().catch(reworded(shown));
  } finally {
    await handle.close().catch(reworded(shown));
  }
}

const by =
  (handle: FileHandle): Write =>
  async (chunk, from) =>
    (await handle.write(chunk, from)).bytesWritten;

/** Milliseconds between two looks at a pipe that has no reader, or is full. */
const PAUSE = 5;

/** Opens a pipe once it has a reader, without a thread that waits for it and could not be stopped. */
async function openStream(path: string, signal: AbortSignal | undefined): Promise<FileHandle> {
  while (true) {
    throwIfAborted(signal, `waiting for a reader of ${path}`);
    try {
      return await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (thrown) {
      if (codeOf(thrown) !== "ENXIO") throw writeError(path, thrown);
    }
    await pause(PAUSE);
  }
}

async function writeAll(write: Write, path: string, chunks: Chunks, signal: AbortSignal | undefined): Promise<void> {
  for await (const chunk of chunks) await writeWhole(write, path, chunk, signal);
  throwIfAborted(signal, `writing ${path}`);
}

/** One `write` may take only a part of the chunk, or none where a pipe is full. */
async function writeWhole(write: Write, path: string, chunk: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    throwIfAborted(signal, `writing ${path}`);
    const taken = await write(chunk, done).catch((thrown) => (codeOf(thrown) === "EAGAIN" ? 0 : reworded(path)(thrown)));
    if (taken === 0) await pause(PAUSE);
    done += taken;
  }
}

/**
 * Bytes that a file is written by, so that many small chunks are one write. Linux takes memory for a file's cache in pieces as large as the
 * writes: with 256 KiB and more, that memory is dearer than all else (2.7 to 4 times the time, measured with `dd`).
 */
const BLOCK = 2 ** 17;

/** Bytes between two looks at what else there is to do, signals among it. */
const BREATH = 2 ** 23;

/** To a regular file, which never makes a writer wait: handing each block to another thread would take longer than writing it. */
async function writeBlocks(descriptor: number, path: string, chunks: Chunks, signal: AbortSignal | undefined): Promise<void> {
  const block = Buffer.allocUnsafeSlow(BLOCK);
  let [filled, since] = [0, 0];
  const write = async (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) {
      throwIfAborted(signal, `writing ${path}`);
      const taken = attempt(path, () => writeSync(descriptor, bytes, done, Math.min(BLOCK, bytes.length - done)));
      done += taken;
      since += taken;
      if (since < BREATH) continue;
      since = 0;
      await breath();
    }
  };
  for await (const chunk of chunks) {
    if (filled + chunk.length > BLOCK) {
      await write(block.subarray(0, filled));
      filled = 0;
    }
    if (chunk.length >= BLOCK) await write(chunk);
    else {
      block.set(chunk, filled);
      filled += chunk.length;
    }
  }
  await write(block.subarray(0, filled));
  throwIfAborted(signal, `writing ${path}`);
}

const reworded = (path: string) => (thrown: unknown) => {
  throw writeError(path, thrown);
};
