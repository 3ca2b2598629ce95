/** A path to the regular file that stands there, or to its text: the one door by which files that a user names are read. */

import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { mvcError } from "../errors.ts";
import { codeOf, kindOf, systemReason } from "./system-errors.ts";

/** Bytes that a text of each kind may have: far more than any that was made by hand, far less than memory. */
export const textLimits = { model: 2 ** 20, settings: 2 ** 20, tokenizer: 2 ** 27, captions: 2 ** 28, graph: 2 ** 28 } as const;

/**
 * Opens a file for reading. Devices and pipes are refused, which would hang or never end.
 * @throws MvcError `file-missing`, which calls it `what`; `file-unreadable`
 */
export function openRegular(path: string, what: string): { readonly descriptor: number; readonly size: number } {
  const shown = path === "" ? '""' : path;
  const unreadable = (reason: string) => mvcError("file-unreadable", { file: shown, reason });
  let descriptor: number | undefined;
  try {
    // Before it is opened, which some devices take as an order; and after, because it may be another by then.
    const found = statSync(path);
    if (found.isFile()) descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const opened = descriptor === undefined ? found : fstatSync(descriptor);
    if (descriptor === undefined || !opened.isFile()) throw unreadable(`it is ${kindOf(opened)}, not a file`);
    return { descriptor, size: opened.size };
  } catch (thrown) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (codeOf(thrown) === "ENOENT") throw mvcError("file-missing", { file: shown, what });
    throw thrown instanceof Error && "syscall" in thrown ? unreadable(systemReason(thrown)) : thrown;
  }
}

/** Only the check of `openRegular`. */
export function requireRegular(path: string, what: string): void {
  closeSync(openRegular(path, what).descriptor);
}

/** Fills `into` with an open file's bytes from `start` on; says how many there were. Throws MvcError `file-unreadable`. */
export function readAt(descriptor: number, into: Uint8Array, start: number, file: string): number {
  try {
    for (let done = 0; done < into.length; ) {
      const taken = readSync(descriptor, into, done, into.length - done, start + done);
      if (taken === 0) return done;
      done += taken;
    }
    return into.length;
  } catch (thrown) {
    throw mvcError("file-unreadable", { file, reason: systemReason(thrown) });
  }
}

/** @throws MvcError as `openRegular`; `file-too-large` */
export function readBytes(path: string, what: string, most: number): Uint8Array {
  const { descriptor, size } = openRegular(path, what);
  try {
    if (size > most) throw mvcError("file-too-large", { file: path, what, most });
    // Files of /proc say that they are empty: what can be read counts.
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (let piece = next(descriptor, size + 1); piece.length > 0; piece = next(descriptor, 2 ** 16)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > most) throw mvcError("file-too-large", { file: path, what, most });
    }
    return Buffer.concat(pieces);
  } catch (thrown) {
    if (thrown instanceof Error && "syscall" in thrown) throw mvcError("file-unreadable", { file: path, reason: systemReason(thrown) });
    throw thrown;
  } finally {
    closeSync(descriptor);
  }
}

function next(descriptor: number, most: number): Uint8Array {
  const piece = Buffer.alloc(most);
  return piece.subarray(0, readSync(descriptor, piece, 0, most, null));
}

/** A mark of byte order stays in the text. Throws MvcError as `readBytes`; `not-utf8`. */
export function readText(path: string, what: string, most: number): string {
  const bytes = readBytes(path, what, most);
  if (!isUtf8(bytes)) throw mvcError("not-utf8", { file: path, line: firstBroken(bytes) });
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** No letter of UTF-8 has the byte of a line's end in it, so lines can be looked at alone. */
function firstBroken(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    if (!isUtf8(bytes.subarray(start, end < 0 ? bytes.length : end))) return line;
    start = end < 0 ? bytes.length : end + 1;
  }
  return line;
}
