/** A range of an open file to its bytes, at once or a piece at a time. */

import { readSync } from "node:fs";
import { mvcError } from "../errors.ts";

/** Bytes of a file that is open for reading, from `start` to before `end`. */
export interface Extent {
  readonly descriptor: number;
  readonly start: number;
  readonly end: number;
  /** What the user calls the file. */
  readonly file: string;
}

/** Large enough that reading a file so costs what copying it costs, small enough that a core's own cache holds it with what is made of it. */
export const PIECE_BYTES = 2 ** 17;

/** Throws MvcError `weights-invalid` where the file ends before. */
export function readAt(descriptor: number, position: number, length: number, file: string): Uint8Array {
  // Not zeroed: every byte is read or the call throws.
  const bytes = Buffer.allocUnsafeSlow(length);
  fill(bytes, descriptor, position, file);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fill(bytes: Uint8Array, descriptor: number, position: number, file: string): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(bytes.length - done, 1 << 30), position + done);
    if (count === 0)
      throw mvcError("weights-invalid", { file, reason: `it ends at byte ${position + done}, before the tensor that should be there` });
    done += count;
  }
}

/**
 * Its bytes; a multiple of eight in each piece but the last, so that no element is cut. Throws as `readAt`.
 * All pieces are the same memory: memory that is new for each takes longer to get from the system than the bytes to read.
 */
export function* piecesOf({ descriptor, start, end, file }: Extent): Generator<Uint8Array> {
  const memory = new Uint8Array(Math.min(PIECE_BYTES, end - start));
  for (let position = start; position < end; position += PIECE_BYTES) {
    const piece = memory.subarray(0, Math.min(PIECE_BYTES, end - position));
    fill(piece, descriptor, position, file);
    yield piece;
  }
}
