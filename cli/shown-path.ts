/** A path to the words that a user would type for it. */

import { relative, resolve } from "node:path";

/** Relative to where they stand, unless that climbs out. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), resolve(path));
  if (short === "") return ".";
  return short.startsWith("..") ? resolve(path) : short;
}
