/** What the operating system says of a path, in words: why it cannot be used, and what stands there instead of a file. */

import type { Stats } from "node:fs";
import { type MvcError, mvcError, reasonOf } from "../errors.ts";

const reasons: { readonly [code: string]: string } = {
  ENOENT: "its folder does not exist, or takes no files",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder",
  EACCES: "permission is denied",
  EPERM: "the system does not allow it",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its links go in a circle",
  EBUSY: "it is in use",
  EFBIG: "it is larger than a file may be here (by the file system, or by `ulimit -f`)",
  EPIPE: "its reader has closed it",
  ENOTSUP: "the file system does not allow it",
};

/** The reason of a foreign error. Names of temporary files, which Node's own messages hold, are none of the user's. */
export function systemReason(thrown: unknown): string {
  return reasons[codeOf(thrown) ?? ""] ?? reasonOf(thrown);
}

export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** The error of a write to what the user calls `file`: a full disk has a sentence of its own. */
export function writeError(file: string, thrown: unknown): MvcError {
  const code = codeOf(thrown);
  return code === "ENOSPC" || code === "EDQUOT"
    ? mvcError("disk-full", { file })
    : mvcError("write-failed", { file, reason: systemReason(thrown) });
}

/** What stands at a path, with its article; a regular file is "a file". */
export function kindOf(found: Stats): string {
  if (found.isFile()) return "a file";
  if (found.isDirectory()) return "a folder";
  if (found.isSymbolicLink()) return "a link";
  if (found.isFIFO()) return "a pipe";
  if (found.isSocket()) return "a socket";
  return "a device";
}
