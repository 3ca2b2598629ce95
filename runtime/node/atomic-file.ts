/** Chunks of bytes to a file that appears whole or not at all: written beside its place, then renamed; to a device or a pipe as they come. */

import { write as writeDescriptor, writeSync } from "node:fs";
import { constants, type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate as breath, setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { throwIfAborted } from "../errors.ts";
import { copyExtents, type PlacedExtent } from "./copy-extents.ts";
import { type Extent, PIECE_BYTES, piecesOf } from "./extents.ts";
import { attempt, outputAt } from "./output-file.ts";
import { codeOf, writeError } from "./system-errors.ts";
import { claimTemporary } from "./temporary.ts";

/** Bytes, which may change once the next chunk is asked for; or those of another file, which stays open and as it is until all is written. */
export type Chunk = Uint8Array | Extent;
export type Chunks = Iterable<Chunk> | AsyncIterable<Chunk>;

export const lengthOf = (chunk: Chunk): number => (chunk instanceof Uint8Array ? chunk.length : chunk.end - chunk.start);

/** Told now and then how many bytes are written. */
export type Written = (bytes: number) => void;

/** Writes a part of the chunk from an offset on, and says how many bytes it took. */
type Write = (chunk: Uint8Array, from: number) => Promise<number>;

/**
 * Writes the chunks in their order. A regular file is replaced (a link stays, and the file that it leads to is replaced): on
 * any failure nothing is left and what was there before stays. Devices, pipes and standard output are written through.
 * @throws MvcError `disk-full`, `write-failed`, `output-refused`, `aborted`; an error that `chunks` throws passes through.
 */
export async function writeAtomically(path: string, chunks: Chunks, signal?: AbortSignal, written?: Written): Promise<void> {
  const output = outputAt(path);
  if (output.kind === "open") {
    const { descriptor } = output;
    const write = promisify(writeDescriptor);
    const taking: Write = async (chunk, from) => (await write(descriptor, chunk, from)).bytesWritten;
    return writeAll(taking, path, chunks, { signal, written });
  }
  if (output.kind === "stream") {
    const handle = await openStream(output.path, signal);
    return writeAll(by(handle), path, chunks, { signal, written }).finally(() => handle.close());
  }
  const temporary = await claimTemporary(dirname(output.path));
  try {
    await writeNew(temporary.path, path, chunks, { signal, written, mode: output.mode });
    await rename(temporary.path, output.path).catch(reworded(path));
  } finally {
    temporary.release();
  }
}

interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly written?: Written | undefined;
}

/** Makes a file of the chunks, which is on the disk when this is over. It is `shown` to the user. Throws as `writeAtomically`. */
export async function writeNew(
  path: string,
  shown: string,
  chunks: Chunks,
  options: WriteOptions & { readonly mode?: number | undefined } = {},
): Promise<void> {
  const handle = await open(path, "wx").catch(reworded(shown));
  try {
    if (options.mode !== undefined) await handle.chmod(options.mode).catch(reworded(shown));
    await writeBlocks(handle.fd, shown, chunks, options);
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

async function writeAll(write: Write, path: string, chunks: Chunks, { signal, written }: WriteOptions): Promise<void> {
  const tell = telling(written);
  let done = 0;
  for await (const chunk of chunks)
    for (const piece of chunk instanceof Uint8Array ? [chunk] : piecesOf(chunk)) {
      await writeWhole(write, path, piece, signal);
      done += piece.length;
      tell(done);
    }
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
const BLOCK = PIECE_BYTES;

/** Bytes between two looks at what else there is to do, signals among it. */
const BREATH = 2 ** 23;

/** Says whether it is time for a look. */
function telling(written: Written | undefined): (done: number) => boolean {
  let told = 0;
  return (done) => {
    if (done - told < BREATH) return false;
    told = done;
    written?.(done);
    return true;
  };
}

/**
 * To a regular file, which never makes a writer wait: handing each block to another thread would take longer than writing it.
 * What other files hold is copied when all else is written.
 */
async function writeBlocks(descriptor: number, path: string, chunks: Chunks, { signal, written }: WriteOptions): Promise<void> {
  const task = `writing ${path}`;
  const writeSome = (bytes: Uint8Array, from: number, at: number): number =>
    attempt(path, () => writeSync(descriptor, bytes, from, Math.min(BLOCK, bytes.length - from), at + from));
  const tell = telling(written);
  let done = 0;
  const write = async (bytes: Uint8Array, at: number) => {
    for (let from = 0; from < bytes.length; ) {
      throwIfAborted(signal, task);
      const taken = writeSome(bytes, from, at);
      from += taken;
      done += taken;
      if (tell(done)) await breath();
    }
  };
  const block = Buffer.allocUnsafeSlow(BLOCK);
  const extents: PlacedExtent[] = [];
  /** Where the next chunk goes; the block is what comes right before. */
  let [end, filled] = [0, 0];
  const flush = async () => {
    await write(block.subarray(0, filled), end - filled);
    filled = 0;
  };
  for await (const chunk of chunks) {
    const length = lengthOf(chunk);
    if (!(chunk instanceof Uint8Array) || filled + length > BLOCK) await flush();
    if (!(chunk instanceof Uint8Array)) extents.push({ ...chunk, at: end });
    else if (length >= BLOCK) await write(chunk, end);
    else {
      block.set(chunk, filled);
      filled += length;
    }
    end += length;
  }
  await flush();
  const writeWhole = (bytes: Uint8Array, at: number) => {
    for (let from = 0; from < bytes.length; ) from += writeSome(bytes, from, at);
  };
  await copyExtents(extents, descriptor, { write: writeWhole, task, signal, copied: (bytes) => written?.(done + bytes) });
  throwIfAborted(signal, task);
}

const reworded = (path: string) => (thrown: unknown) => {
  throw writeError(path, thrown);
};
