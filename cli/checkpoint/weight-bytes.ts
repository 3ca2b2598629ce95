/** A range of an open file to its bytes, at once or a piece at a time. */

import { readSync } from "node:fs";
import { mvcError } from "../../runtime/errors.ts";

/** Large enough that reading a file so costs what copying it costs, small enough that memory does not notice. */
export const PIECE_BYTES = 2 ** 23;

/** Throws MvcError `weights-invalid` where the file ends before. */
export function readAt(descriptor: number, position: number, length: number, file: string): Uint8Array {
  // Not zeroed: every byte is read or the call throws.
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), position + done);
    if (count === 0)
      throw mvcError("weights-invalid", { file, reason: `it ends at byte ${position + done}, before the tensor that should be there` });
    done += count;
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes from `start` to `end`; a multiple of eight in each piece but the last, so that no element is cut. */
export function* piecesOf(descriptor: number, start: number, end: number, file: string): Generator<Uint8Array> {
  for (let position = start; position < end; position += PIECE_BYTES) {
    yield readAt(descriptor, position, Math.min(PIECE_BYTES, end - position), file);
  }
}
