/** The path of an output to what it is: a file that is replaced whole, or a stream that is written through; all else is refused. */

import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { type MvcError, mvcError } from "../errors.ts";
import { kindOf, writeError } from "./system-errors.ts";
import { claimTemporary } from "./temporary.ts";

export type Output =
  /** The regular file, links followed, that stands there or will. `mode` is that of the file that stands there. */
  | { readonly kind: "file"; readonly path: string; readonly mode?: number }
  /** A device or a pipe. */
  | { readonly kind: "stream"; readonly path: string }
  /** What this process has open already: standard output or standard error, whatever they lead to. */
  | { readonly kind: "open"; readonly descriptor: 1 | 2 };

export function refused(file: string, reason: string, hint: string): MvcError {
  return mvcError("output-refused", { file, reason, hint });
}

/** Throws where the path is empty or `-`, which is no file's name to most programs and a file's to the rest. */
export function requirePath(path: string): void {
  const wrong = (found: string) => mvcError("option-invalid", { option: "--output", expected: "a path", found });
  if (path === "") throw wrong("nothing");
  if (path === "-") throw wrong("- (/dev/stdout is standard output, ./- a file of that name)");
}

/** @throws MvcError `option-invalid`, `output-refused`, `write-failed` */
export function outputAt(path: string): Output {
  requirePath(path);
  try {
    const link = lstatSync(path, { throwIfNoEntry: false });
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined && link !== undefined)
      throw refused(path, `it is a link to ${readlinkSync(path)}, which does not exist`, "remove the link, or name the file itself");
    if (found === undefined) {
      if (path.endsWith("/")) throw refused(path, "a file is written, but the path names a folder", "name a file in it");
      return { kind: "file", path };
    }
    const descriptor = openAs(found);
    // A file that output was redirected to is replaced where it is named itself, not where it is reached as /dev/stdout.
    if (descriptor !== undefined && !(found.isFile() && link?.isFile())) return { kind: "open", descriptor };
    if (found.isFile()) {
      accessSync(path, constants.W_OK);
      return { kind: "file", path: link?.isSymbolicLink() ? realpathSync(path) : path, mode: found.mode & 0o7777 };
    }
    if (found.isDirectory()) throw refused(path, "it is a folder", "name a file in it");
    if (!found.isFIFO() && !found.isCharacterDevice()) throw refused(path, `it is ${kindOf(found)}, not a file`, "name a file");
    accessSync(path, constants.W_OK);
    return { kind: "stream", path };
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && "syscall" in thrown) throw writeError(path, thrown);
    throw thrown;
  }
}

/** Which of this process's outputs a file is. */
function openAs(found: Stats): 1 | 2 | undefined {
  return ([1, 2] as const).find((descriptor) => {
    const { dev, ino } = fstatSync(descriptor);
    return dev === found.dev && ino === found.ino;
  });
}

/**
 * Tries, before any work, that `bytes` could be written: in the file's folder, or to the device.
 * @throws MvcError as `outputAt`; `disk-full`
 */
export async function tryOutput(path: string, bytes = 0): Promise<void> {
  const output = outputAt(path);
  if (output.kind === "file") {
    const temporary = await claimTemporary(dirname(output.path));
    try {
      requireRoom(temporary.path, path, bytes);
    } finally {
      temporary.release();
    }
  } else if (output.kind === "stream") {
    if (statSync(path).isCharacterDevice()) tryDevice(path);
  } else if (fstatSync(output.descriptor).isCharacterDevice()) attempt(path, () => writeSync(output.descriptor, nothing));
}

/** Throws MvcError `output-refused` where the output stands and is one of the files that are read, by whatever path. */
export function refuseToReplace(output: string, read: readonly string[]): void {
  const place = (file: string) => {
    try {
      const found = statSync(file);
      return found.isFile() ? `${found.dev} ${found.ino}` : undefined;
    } catch {
      // What is wrong with a path is said where it is opened.
      return undefined;
    }
  };
  const written = place(output);
  if (written === undefined || !read.some((file) => place(file) === written)) return;
  throw mvcError("output-refused", { file: output, reason: "it is read", hint: "give -o another file" });
}

const nothing = new Uint8Array();

/** Nothing is written, yet a device that is full says so. */
function tryDevice(path: string): void {
  const descriptor = attempt(path, () => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  try {
    attempt(path, () => writeSync(descriptor, nothing));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a file at `probe` for a moment, to learn what the file system can tell before it is written: whether a file may have
 * `largest` bytes, and whether there is room for `bytes`. It is `file` to the user.
 */
export function requireRoom(probe: string, file: string, bytes: number, largest = bytes): void {
  attempt(file, () => {
    const descriptor = openSync(probe, "wx");
    try {
      ftruncateSync(descriptor, largest);
      const { blocks, bfree, bavail, bsize } = statfsSync(probe);
      const free = bsize * (process.getuid?.() === 0 ? bfree : bavail);
      // Some network file systems count no blocks at all.
      if (blocks > 0 && free < bytes) throw mvcError("disk-full", { file });
    } finally {
      closeSync(descriptor);
      rmSync(probe, { force: true });
    }
  });
}

/** Rewords what the file system says of a write to `file`. */
export function attempt<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (thrown) {
    if (thrown instanceof Error && "syscall" in thrown) throw writeError(file, thrown);
    throw thrown;
  }
}
