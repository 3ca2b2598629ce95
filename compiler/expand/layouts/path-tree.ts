/** The paths of a layout as one tree of levels, in which a path of weights is followed level by level. */

import type { LayoutEntry } from "../../../dsl/index.ts";

export type KeysEntry = Extract<LayoutEntry, { readonly kind: "keys" }>;

interface Branch {
  readonly plain: Map<string, Branch>;
  /** A level with holes: what it looks like, and the names of its numbers. */
  readonly holed: { readonly pattern: RegExp; readonly names: readonly string[]; readonly branch: Branch }[];
  entry: KeysEntry | undefined;
}

/** A place in the tree, with the numbers of the holes on the way to it. */
export interface Cursor {
  readonly branch: Branch;
  readonly numbers: ReadonlyMap<string, number>;
}

/** An entry whose path has been followed to its end. */
export interface Match {
  readonly entry: KeysEntry;
  readonly numbers: ReadonlyMap<string, number>;
}

export class PathTree {
  private readonly root = emptyBranch();

  constructor(entries: readonly KeysEntry[]) {
    for (const entry of entries) {
      let branch = this.root;
      for (const level of levelsOf(entry)) branch = below(branch, level);
      branch.entry = entry;
    }
  }

  get start(): readonly Cursor[] {
    return [{ branch: this.root, numbers: new Map() }];
  }
}

/** Follows one level further; what is written out comes before what holes let pass. */
export function followLevel(cursors: readonly Cursor[], level: string): readonly Cursor[] {
  const next: Cursor[] = [];
  for (const { branch, numbers } of cursors) {
    const plain = branch.plain.get(level);
    if (plain !== undefined) next.push({ branch: plain, numbers });
    for (const { pattern, names, branch: holed } of branch.holed) {
      const found = pattern.exec(level);
      if (found === null) continue;
      const own = new Map(numbers);
      for (const [i, name] of names.entries()) own.set(name, Number(found[i + 1]));
      next.push({ branch: holed, numbers: own });
    }
  }
  return next;
}

export function matchAt(cursors: readonly Cursor[]): Match | undefined {
  for (const { branch, numbers } of cursors) if (branch.entry !== undefined) return { entry: branch.entry, numbers };
  return undefined;
}

/** Whether paths go on from here. */
export function leadsOn({ plain, holed }: Branch): boolean {
  return plain.size > 0 || holed.length > 0;
}

interface Level {
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

function levelsOf({ path }: KeysEntry): readonly Level[] {
  const levels: { texts: string[]; names: string[] }[] = [{ texts: [], names: [] }];
  for (const [i, text] of path.texts.entries()) {
    for (const [j, part] of text.split(".").entries()) {
      if (j > 0) levels.push({ texts: [], names: [] });
      levels.at(-1)?.texts.push(part);
    }
    const hole = path.holes[i];
    if (hole !== undefined && hole.kind !== "name") throw new Error("layouts: a hole that is no name, which check should have found");
    if (hole !== undefined) levels.at(-1)?.names.push(hole.name);
  }
  return levels;
}

function below(branch: Branch, { texts, names }: Level): Branch {
  const [plain = ""] = texts;
  const next = emptyBranch();
  // Labels have no character that a pattern reads otherwise.
  if (names.length > 0) branch.holed.push({ pattern: new RegExp(`^${texts.join("(\\d+)")}$`), names, branch: next });
  else {
    const known = branch.plain.get(plain);
    if (known !== undefined) return known;
    branch.plain.set(plain, next);
  }
  return next;
}

function emptyBranch(): Branch {
  return { plain: new Map(), holed: [], entry: undefined };
}
