/** Layouts: the blocks that they are of, names in the holes of paths and keys, keys of one form, and paths that the labels can make. */

import { isAnyAxis } from "../any-axis.ts";
import type { BlockDeclaration, Declaration, KeyNode, KeysEntry, LayoutDeclaration, LayoutEntry, ModelDeclaration } from "../ast.ts";
import type { Levels } from "../expressions.ts";
import { showLabel, wellFormed, wellFormedDrop, wellFormedKey } from "../label.ts";
import { nearest } from "../nearest.ts";
import type { Declared } from "../program.ts";
import { type Context, hintNearest, Names } from "./context.ts";
import { checkInt, typeOf } from "./expressions.ts";
import { PathReach } from "./path-reach.ts";
import { holdsTensors, int, showStatic } from "./static-type.ts";
import { staticTypeOf } from "./types.ts";

export function checkLayout(context: Context, layout: LayoutDeclaration, file: string): void {
  const owner = ownerOf(context, layout, file);
  const names = new Names(file);
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
function ownerOf(context: Context, { of }: LayoutDeclaration, file: string): Declared | undefined {
  const found = context.declared(of.name, file);
  // A layout calls nothing: it needs what the file imports, and leaves its own blocks uncalled.
  const declared = found?.file === file ? found : context.read(of.name, file);
  if (isOwner(declared?.declaration)) return declared;
  const known = [...context.namesOf(file)].filter((name) => isOwner(context.declared(name, file)?.declaration));
  const hint = () => hintNearest(nearest(of.name, known));
  if (declared === undefined) context.reportUnknown("not-laid-out", of, hint);
  else context.report("not-laid-out", of.span, { name: of.name }, hint());
  return undefined;
}

function isOwner(declaration: Declaration | undefined): declaration is BlockDeclaration | ModelDeclaration {
  return declaration?.kind === "block" || declaration?.kind === "model";
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
export function checkLayoutPaths(context: Context, declarations: readonly { file: string; declaration: Declaration }[]): void {
  const reach = new PathReach((name, file) => context.declared(name, file));
  const known = new Map<Declaration, Map<string, LayoutDeclaration["of"]>>();
  for (const { file, declaration } of declarations) {
    if (declaration.kind !== "layout") continue;
    const owner = context.declared(declaration.of.name, file);
    if (owner === undefined || !isOwner(owner.declaration)) continue;
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
