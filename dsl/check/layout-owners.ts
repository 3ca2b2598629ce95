/** The layouts of all files to the blocks and models that they are of, in the eyes of the files that bring them. */

import type { Declaration, Expression, LayoutDeclaration, Statement } from "../ast.ts";
import type { Declared, FileScope, OwnedLayout, Owner } from "../program.ts";
import { expressionsOf, partsOf } from "../walk.ts";

type Files = ReadonlyMap<string, FileScope>;

export function ownedLayouts(files: Files): readonly OwnedLayout[] {
  const owned: OwnedLayout[] = [];
  for (const [file, { source }] of files) {
    const readers = readersOf(file, files);
    for (const declaration of source.declarations) {
      if (declaration.kind !== "layout") continue;
      // Two files that bring it may have the same block.
      const owners = new Map<Declaration, Owner>();
      for (const reader of readers) {
        const owner = declaredFor(declaration, file, reader, files);
        if (isOwner(owner)) owners.set(owner.declaration, owner);
      }
      for (const owner of owners.values())
        owned.push({ declaration, file, owner, borrowed: borrowedNames(declaration, file, owner, files) });
    }
  }
  return owned;
}

/** Those that import a file's layouts; where none does, the file itself. */
export function readersOf(file: string, files: Files): readonly string[] {
  const readers = [...files].flatMap(([reader, { layouts }]) => (layouts.includes(file) ? [reader] : []));
  return readers.length === 0 ? [file] : readers;
}

/** What the name behind `of` stands for: in the layout's own file or else, as though the layout stood there, in the one that brings it. */
export function declaredFor({ of }: LayoutDeclaration, file: string, reader: string, files: Files): Declared | undefined {
  return files.get(file)?.names.get(of.name) ?? files.get(reader)?.names.get(of.name);
}

export function isOwner(declared: Declared | undefined): declared is Owner {
  return declared?.declaration.kind === "block" || declared?.declaration.kind === "model";
}

function borrowedNames(declaration: LayoutDeclaration, file: string, owner: Owner, files: Files): readonly string[] {
  const [own, behind] = [files.get(file)?.names, files.get(owner.file)?.names];
  const borrowed = new Set<string>();
  const open: (Expression | Statement)[] = [...expressionsOf(declaration)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === "name" && !own?.has(next.name) && behind?.has(next.name)) borrowed.add(next.name);
    open.push(...partsOf(next));
  }
  return [...borrowed];
}
