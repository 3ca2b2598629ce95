/** A folder that appears whole or not at all: written beside its place, then renamed into it. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mvcError, reasonOf } from "../runtime/errors.ts";

/** Rewords what the file system says of a write: a full disk has a sentence of its own. */
export function writing<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) {
      if (thrown.code === "ENOSPC" || thrown.code === "EDQUOT") throw mvcError("disk-full", { file });
      throw mvcError("write-failed", { file, reason: reasonOf(thrown) });
    }
    throw thrown;
  }
}

/** A folder that `mvc build` may replace: a package, or nothing worth keeping. */
function replaceable(folder: string): boolean {
  return !existsSync(folder) || existsSync(join(folder, "manifest.json")) || readdirSync(folder).length === 0;
}

/** An earlier package in its place is kept until the new one is whole; any other folder is refused. */
export async function stageFolder(target: string, produce: (folder: string) => Promise<void>): Promise<void> {
  if (writing(target, () => !replaceable(target))) {
    throw mvcError("write-failed", { file: target, reason: "the folder holds files that are not a package of mvc" });
  }
  const partial = `${target}.partial-${process.pid}`;
  const old = `${target}.old-${process.pid}`;
  try {
    writing(target, () => mkdirSync(partial, { recursive: true }));
    await produce(partial);
    writing(target, () => {
      if (existsSync(target)) renameSync(target, old);
      renameSync(partial, target);
    });
    rmSync(old, { recursive: true, force: true });
  } catch (thrown) {
    if (existsSync(old) && !existsSync(target)) renameSync(old, target);
    rmSync(partial, { recursive: true, force: true });
    throw thrown;
  }
}
