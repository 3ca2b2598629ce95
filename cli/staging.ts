/** A package that appears whole or not at all: written to a temporary folder, then moved to its place, where what is not of a package stays. */

import { lstatSync, mkdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { throwIfAborted } from "../runtime/errors.ts";
import { attempt, requirePath, requireRoom } from "../runtime/node/output-file.ts";
import { claimTemporary, sweep, wholeOf } from "../runtime/node/temporary.ts";
import {
  filesBelow,
  filesOf,
  manifestFile,
  manifestOf,
  ownFiles,
  type Place,
  packageFolders,
  placeOf,
  requireFree,
} from "./package-place.ts";

/** What is to be written: `bytes` in all, of which the largest file has `largest`. */
export interface Extent {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly largest: number;
}

/** What stood there before, by paths within the folder. */
export interface Before {
  /** Files of an earlier package, which the new one has too. */
  readonly replaced: readonly string[];
  /** And those that it has not. */
  readonly removed: readonly string[];
  /** What others have put there. */
  readonly kept: readonly string[];
}

/** Tries, before any work, that a package could be written there. Throws MvcError as `placeOf`, `disk-full`. */
export async function tryPackage(output: string): Promise<void> {
  const place = await settledPlace(output);
  const temporary = await claimTemporary(place.kind === "free" ? place.home : place.path);
  try {
    attempt(output, () => mkdirSync(temporary.path));
  } finally {
    temporary.release();
  }
}

/**
 * Has `produce` fill a folder, which then takes its place. Of a package that is there the files that its manifest names are
 * replaced, and all others stay.
 * @throws MvcError as `tryPackage`; `aborted`
 */
export async function stagePackage(
  output: string,
  extent: Extent,
  signal: AbortSignal,
  produce: (folder: string) => Promise<void>,
): Promise<Before> {
  const place = await settledPlace(output);
  requireFree(place, extent.files, output);
  if (place.kind === "folder") return stageIn(place.path, output, extent, signal, produce);
  const above = resolve(dirname(place.path));
  const made = attempt(output, () => mkdirSync(above, { recursive: true }));
  try {
    return await stageIn(above, output, extent, signal, produce);
  } catch (thrown) {
    if (made !== undefined) removeEmpty(above, resolve(made));
    throw thrown;
  }
}

async function stageIn(
  home: string,
  output: string,
  { bytes, largest }: Extent,
  signal: AbortSignal,
  produce: (folder: string) => Promise<void>,
): Promise<Before> {
  const temporary = await claimTemporary(home);
  try {
    requireRoom(temporary.path, output, bytes, largest);
    attempt(output, () => mkdirSync(temporary.path));
    await produce(temporary.path);
    throwIfAborted(signal, `writing ${output}`);
    return attempt(output, () => settle(temporary.path, output));
  } finally {
    temporary.release();
  }
}

/** What stands there once the work of builds that died over it is finished or removed. */
async function settledPlace(output: string): Promise<Place> {
  requirePath(output);
  const place = resolve(output);
  if (attempt(output, () => lstatSync(place, { throwIfNoEntry: false }))?.isDirectory()) await sweep(place, (whole) => merge(whole, place));
  await sweep(dirname(place));
  return placeOf(output);
}

/** Moves a package to its place, where others may have written since it was looked at. */
function settle(part: string, output: string): Before {
  const place = placeOf(output);
  if (place.kind === "free") {
    renameSync(part, place.path);
    return { replaced: [], removed: [], kept: [] };
  }
  const files = filesBelow(part);
  requireFree(place, files, output);
  const [ours, next] = [[...place.ours], new Set(files)];
  const before = {
    replaced: ours.filter((file) => next.has(file)),
    removed: ours.filter((file) => !next.has(file)),
    kept: filesBelow(place.path).filter((file) => !place.ours.has(file)),
  };
  // From here on it is finished by the next build where this process dies.
  renameSync(part, wholeOf(part));
  merge(wholeOf(part), place.path);
  return before;
}

/**
 * Moves a package's files over those of an earlier one. The new manifest comes last and the old one stays until then, so that
 * a merge that was cut off can be done again from its start; meanwhile the hashes tell that the files are of two builds.
 */
function merge(whole: string, target: string): void {
  const next = manifestOf(whole);
  if (typeof next !== "string") {
    const moved = filesBelow(whole).filter((file) => file !== manifestFile);
    const ours = ownFiles(target);
    requireFree({ kind: "folder", path: target, ours }, [...moved, manifestFile], target);
    for (const file of moved) {
      mkdirSync(dirname(join(target, file)), { recursive: true });
      renameSync(join(whole, file), join(target, file));
    }
    const staying = new Set(filesOf(next));
    for (const file of ours) if (!staying.has(file)) rmSync(join(target, file), { force: true });
    renameSync(join(whole, manifestFile), join(target, manifestFile));
  }
  rmSync(whole, { recursive: true, force: true });
  for (const folder of packageFolders) removeEmpty(join(target, folder), join(target, folder));
}

/** Removes folders upwards as far as `top`, until one holds something. */
function removeEmpty(from: string, top: string): void {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
    if (folder === top) return;
  }
}
