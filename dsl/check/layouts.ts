/** Layouts: the blocks that they are of, names in the holes of paths and keys, keys of one form, and paths that the labels can make. */

import { isAnyAxis } from "../any-axis.ts";
import type { BlockDeclaration, KeyNode, KeysEntry, LayoutDeclaration, LayoutEntry, NamedDeclaration } from "../ast.ts";
import type { Levels } from "../expressions.ts";
import { showLabel, wellFormed, wellFormedDrop, wellFormedKey } from "../label.ts";
import { nearest } from "../nearest.ts";
import type { OwnedLayout, Owner } from "../program.ts";
import { type Context, hintNearest, Names } from "./context.ts";
import { checkInt, typeOf } from "./expressions.ts";
import { declaredFor, isOwner, readersOf } from "./layout-owners.ts";
import { PathReach } from "./path-reach.ts";
import { holdsTensors, int, showStatic } from "./static-type.ts";
import { staticTypeOf } from "./types.ts";

/** `reader` is the file that brings it, or its own. */
export function checkLayout(context: Context, layout: LayoutDeclaration, file: string, reader: string): void {
  const owner = ownerOf(context, layout, file, reader);
  const names = new Names(file, { behind: owner?.file });
  if (owner?.declaration.kind === "block") declareArguments(context, owner.declaration, owner.file, names);
  const given = new Set<string>();
  for (const entry of layout.entries) {
    const { text, span } =
      entry.kind === "drop" ? { text: "drop:", span: entry.span } : { text: patternOf(entry.path), span: entry.path.span };
    if (given.has(text)) context.report("repeated-field", span, { name: text.replace(":", "") });
    given.add(text);
    checkEntry(context, entry, names.inner(), owner !== undefined);
  }
}

/** The block or model that a layout is of. */
function ownerOf(context: Context, layout: LayoutDeclaration, file: string, reader: string): Owner | undefined {
  const { of } = layout;
  const declared = declaredFor(layout, file, reader, context.files);
  // A layout calls nothing: it needs what a file imports, and leaves the file's own blocks uncalled.
  const from = context.declared(of.name, file) === undefined ? reader : file;
  if (declared !== undefined && declared.file !== from) context.read(of.name, from);
  if (isOwner(declared)) return declared;
  const hint = () => hintNearest(nearestOwner(context, of.name, [file]));
  if (declared !== undefined) context.report("not-laid-out", of.span, { name: of.name }, hint());
  else if (file === reader && !isUnread(context, file, reader)) context.reportUnknown("not-laid-out", of, hint);
  return undefined;
}

function nearestOwner(context: Context, name: string, files: readonly string[]): string | undefined {
  return nearest(
    name,
    files.flatMap((file) => [...context.namesOf(file)].filter((one) => isOwner(context.declared(one, file)))),
  );
}

/** A file of layouts, without blocks, that nothing imports for them: it may be of blocks that are not here. */
function isUnread(context: Context, file: string, reader: string): boolean {
  const declarations = context.files.get(file)?.source.declarations ?? [];
  return file === reader && !declarations.some(({ kind }) => kind === "block" || kind === "model");
}

/** What of a file of layouts could not be checked, for want of the file that brings it. */
export function warnUnread(context: Context): void {
  for (const [file, { source }] of context.files) {
    if (readersOf(file, context.files).some((reader) => !isUnread(context, file, reader))) continue;
    const unread = source.declarations.flatMap((one) =>
      one.kind === "layout" && context.declared(one.of.name, file) === undefined ? [one.of] : [],
    );
    const [first] = unread;
    const names = [...new Set(unread.map(({ name }) => name))];
    if (first === undefined) continue;
    context.report("unread-layouts", first.span, { names }, { hint: "check the model that brings them: `import layouts from …`" });
  }
}

/** What of the layouts that a file brings is of blocks and models that neither file has: a copy of a model may call them otherwise. */
export function warnLost(context: Context): void {
  for (const [file, { source }] of context.files) {
    for (const reader of readersOf(file, context.files)) {
      if (reader === file) continue;
      const lost = source.declarations.flatMap((one) =>
        one.kind === "layout" && declaredFor(one, file, reader, context.files) === undefined ? [one.of] : [],
      );
      for (const { name, span } of lost.filter((of, i) => lost.findIndex((first) => first.name === of.name) === i)) {
        const guess = nearestOwner(context, name, [file, reader]);
        const way = { hint: `give ${reader} one by that name, or import a copy of ${file} that calls it as ${reader} does` };
        const hint = context.hintImport(name, file) ?? (guess === undefined ? way : hintNearest(guess));
        context.report("lost-layouts", span, { name, file, reader }, hint);
      }
    }
  }
}

/** What each call gives the block is known where its keys are: the dims in `<>`, and arguments that are no tensors. */
function declareArguments(context: Context, block: BlockDeclaration, file: string, names: Names): void {
  for (const dim of block.dims) names.declare(context, dim, { type: int, kind: "argument" });
  for (const { name, type: written } of block.parameters) {
    const type = staticTypeOf(context, written, file);
    if (!holdsTensors(type)) names.declare(context, name, { type, kind: "argument" });
  }
}

/** Keys lean on the holes of their path and on the arguments of their block: where either is not known, nothing is said of them. */
function checkEntry(context: Context, entry: LayoutEntry, names: Names, known: boolean): void {
  if (entry.kind === "drop") {
    if (!known) return;
    for (const key of entry.keys) checkKeyText(context, key, wellFormedDrop, names);
    return;
  }
  if (!checkPath(context, entry, names) || !known) return;
  for (const key of entry.keys) checkKey(context, key, names);
}

/** The holes of a path are declared by it: each is bound to the number that stands there. */
function checkPath(context: Context, { path }: KeysEntry, names: Names): boolean {
  for (const hole of path.holes) {
    if (hole.kind === "name") names.declare(context, hole, { type: int, kind: "hole" });
    else
      context.report(
        "bad-hole",
        hole.span,
        { hole: context.textAt(hole.span) },
        { hint: 'compute with it in the key: `"blocks.{i + 1}"`' },
      );
  }
  const apart = path.texts.slice(1, -1).every((text) => text !== "");
  if (apart && wellFormed.test(path.texts.join("0")) && path.texts.join("") !== "") return path.holes.every((hole) => hole.kind === "name");
  const hint = 'a path is of labels, parted by single dots, with a hole for a number: `"down.{i}.norm"`';
  context.report("bad-label", path.span, { label: showLabel(path) }, { hint });
  return false;
}

function checkKey(context: Context, { text, rows, shape = [] }: KeyNode, names: Names): void {
  checkKeyText(context, text, wellFormedKey, names);
  if (rows !== undefined) for (const value of [rows.index, rows.of]) checkInt(context, value, names);
  for (const axis of shape) if (!isAnyAxis(axis)) checkInt(context, axis, names);
}

function checkKeyText(context: Context, key: Levels, wellFormed: RegExp, names: Names): void {
  for (const hole of key.holes) {
    const found = typeOf(context, hole, names);
    if (["int", "string", "literal", "unknown"].includes(found.kind)) continue;
    context.report("wrong-type", hole.span, { expected: "an int or a string, as part of a key", found: showStatic(found) });
  }
  if (wellFormed.test(key.texts.join("a"))) return;
  const hint = 'a key is of letters, digits, `_` and `-`, parted by single dots, folders by slashes: `"unet/down_blocks.{i}"`';
  context.report("bad-key", key.span, { key: showLabel(key) }, { hint });
}

/** Names of holes make no difference. */
function patternOf(path: Levels): string {
  return path.texts.join("{}");
}

/** What needs all labels of a program to be right, and all its layouts: each is there once, and its paths lead somewhere. */
export function checkLayoutPaths(context: Context, layouts: readonly OwnedLayout[]): void {
  const reach = new PathReach((name, file) => context.declared(name, file));
  const known = new Map<NamedDeclaration, Map<string, LayoutDeclaration["of"]>>();
  for (const { declaration, owner } of layouts) {
    const named = known.get(owner.declaration) ?? new Map();
    known.set(owner.declaration, named);
    for (const name of declaration.names) {
      const first = named.get(name.name);
      const related = first === undefined ? [] : [{ message: `\`${name.name}\` declared here first`, span: first.span }];
      if (first !== undefined) context.report("repeated-layout", name.span, { name: name.name, of: declaration.of.name }, { related });
      named.set(name.name, first ?? name);
    }
    for (const entry of declaration.entries) {
      if (entry.kind === "drop") continue;
      const found = reach.follow(owner.declaration, owner.file, entry.path);
      if (found.reached) continue;
      const holes = { of: declaration.of.name, path: showPath(entry.path) };
      context.report("unknown-path", entry.path.span, holes, found.guess === undefined ? {} : { hint: `did you mean \`${found.guess}\`?` });
    }
  }
}

/** The holes of a path are names. */
function showPath({ texts, holes }: Levels): string {
  return texts.map((text, i) => text + (holes[i]?.kind === "name" ? `{${holes[i].name}}` : "")).join("");
}
