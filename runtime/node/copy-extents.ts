/** Ranges of open files to their places in another file, copied by two threads, each of which takes the next part that is left. */

import { setImmediate as breath } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { throwIfAborted } from "../errors.ts";
import { type Extent, PIECE_BYTES, piecesOf } from "./extents.ts";

/** An extent, and where its first byte goes. */
export interface PlacedExtent extends Extent {
  readonly at: number;
}

export interface CopyOptions {
  /** Writes bytes to the file that `descriptor` is of. */
  readonly write: (bytes: Uint8Array, at: number) => void;
  /** What is done, in words, for the error of an abort. */
  readonly task: string;
  readonly signal: AbortSignal | undefined;
  /** Told now and then how many bytes are copied or being copied. */
  readonly copied: (bytes: number) => void;
}

/** Bytes that a thread takes at once; after each such part this one looks at what else there is to do, signals among it. */
const PART = 2 ** 23;

/** Bytes from which on a second thread is worth its start, some 40 ms in which one copies half of them. */
const MANY = 2 ** 27;

/**
 * Returns, or throws, when both threads are through with the files.
 * @throws MvcError `aborted`, and as `piecesOf`; what `write` throws passes through.
 */
export async function copyExtents(extents: readonly PlacedExtent[], descriptor: number, options: CopyOptions): Promise<void> {
  const parts = extents.flatMap(partsOf);
  const ends = endsOf(parts);
  const state = new Int32Array(new SharedArrayBuffer(4 * (1 + parts.length)));
  const copy = async (number: number, { at, ...extent }: PlacedExtent) => {
    throwIfAborted(options.signal, options.task);
    let place = at;
    for (const piece of piecesOf(extent)) {
      options.write(piece, place);
      place += piece.length;
    }
    Atomics.store(state, 1 + number, 1);
    options.copied(ends[Math.min(Atomics.load(state, 0), parts.length) - 1] ?? 0);
    await breath();
  };
  const second = (ends.at(-1) ?? 0) < MANY ? undefined : startSecond({ parts, descriptor, state, pieceBytes: PIECE_BYTES });
  try {
    for (let number = Atomics.add(state, 0, 1); number < parts.length; number = Atomics.add(state, 0, 1))
      await copy(number, parts[number] as PlacedExtent);
  } finally {
    Atomics.store(state, 0, parts.length);
    await second;
  }
  // What the second thread could not do, this one does, or says why it cannot be done.
  for (const [number, part] of parts.entries()) if (Atomics.load(state, 1 + number) === 0) await copy(number, part);
}

function partsOf({ start, end, at, ...of }: PlacedExtent): readonly PlacedExtent[] {
  return Array.from({ length: Math.ceil((end - start) / PART) }, (_, i) => {
    const from = start + i * PART;
    return { ...of, start: from, end: Math.min(from + PART, end), at: at + i * PART };
  });
}

/** Bytes up to the end of each part. */
function endsOf(parts: readonly PlacedExtent[]): readonly number[] {
  let sum = 0;
  return parts.map(({ start, end }) => {
    sum += end - start;
    return sum;
  });
}

interface Copying {
  readonly parts: readonly PlacedExtent[];
  readonly descriptor: number;
  /** The number of the next part, then of each part whether it is copied. */
  readonly state: Int32Array;
  readonly pieceBytes: number;
}

/** Resolves when the thread has ended, by itself or because something kept it from its work. */
function startSecond(copying: Copying): Promise<void> {
  return new Promise((done) => {
    try {
      const program = `(${copyLeftParts})(require("node:fs"), require("node:worker_threads").workerData)`;
      const thread = new Worker(program, { eval: true, execArgv: [], workerData: copying });
      thread.on("error", () => {});
      thread.on("exit", () => done());
    } catch {
      done();
    }
  });
}

/** What the second thread does. It gets the text of this function, which therefore names nothing else of this file; descriptors are the whole process's. */
function copyLeftParts({ readSync, writeSync }: typeof import("node:fs"), { parts, descriptor, state, pieceBytes }: Copying): void {
  const memory = new Uint8Array(pieceBytes);
  for (let number = Atomics.add(state, 0, 1); number < parts.length; number = Atomics.add(state, 0, 1)) {
    const { descriptor: from, start, end, at } = parts[number] as PlacedExtent;
    for (let position = start; position < end; ) {
      const read = readSync(from, memory, 0, Math.min(pieceBytes, end - position), position);
      if (read === 0) return;
      for (let done = 0; done < read; ) done += writeSync(descriptor, memory, done, read - done, at + position - start + done);
      position += read;
    }
    Atomics.store(state, 1 + number, 1);
  }
}
