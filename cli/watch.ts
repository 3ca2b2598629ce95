/** Files to the moment at which one of them changes, or one comes to their folders: by looking, which works in every file system and for every editor. */

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";

const milliseconds = 200;

/** What each file was when it was looked at. */
export type Stamps = ReadonlyMap<string, string>;

/** `before` holds what was looked at before the files were read: of those, that counts. */
export function stampsOf(files: Iterable<string>, before: Stamps = new Map()): Stamps {
  const watched = [...files].flatMap((file) => [file, dirname(file)]);
  return new Map(watched.map((path) => [path, before.get(path) ?? stampOf(path)]));
}

/** Ends when something differs, or when the signal says so: then false. */
export async function changed(stamps: Stamps, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if ([...stamps].some(([path, stamp]) => stampOf(path) !== stamp)) return true;
    await setTimeout(milliseconds, undefined, { signal }).catch(() => {});
  }
  return false;
}

/** An editor that replaces a file leaves another inode, one that writes it another time or size. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? "none" : `${found.ino} ${found.mtimeNs} ${found.size}`;
}
