/** The keys of an entry to what they come to in a configuration: texts, runs of rows, and shapes in which weights are stored. */

import { isAnyAxis, type KeyNode, type Levels, type Span, wellFormedKey } from "../../../dsl/index.ts";
import { sizeOf, type TensorType } from "../../graph/graph.ts";
import type { KeyPlace } from "../../module/layout.ts";
import { evaluate, evaluateInt } from "../evaluate.ts";
import { type Frame, fail, spend } from "../frame.ts";
import { describe } from "../static.ts";
import type { KeysEntry } from "./path-tree.ts";

/** One of the keys that a weight, or what is below a path, may have. */
export interface Spelling {
  readonly key: string;
  /** Where it is written, the last part of it; and the last part with holes, if there is one. */
  readonly span: Span;
  readonly holed: Span | undefined;
  readonly part: KeyPlace["part"] | undefined;
  /** Undefined stands for the next axis of the weight's own. `exact` where the weight itself has the key, not what is below a label. */
  readonly shape: { readonly sizes: readonly (number | undefined)[]; readonly exact: boolean } | undefined;
}

/** Parts of keys are joined by dots, but for folders and for what ends in `_`: `attn.in_proj_` and `weight`. */
export function joinKeys(first: string, second: string): string {
  const joined = first === "" || second === "" || first.endsWith("/") || first.endsWith("_");
  return joined ? first + second : `${first}.${second}`;
}

export function textOf({ texts, holes, span }: Levels, wellFormed: RegExp, frame: Frame): string {
  const filled = holes.map((hole) => {
    const value = evaluate(hole, frame);
    if (value.kind === "int" || value.kind === "string") return String(value.value);
    return fail(frame, "wrong-kind", hole.span, { expected: "an int or a string, as part of a key", found: describe(value) });
  });
  const key = texts.map((text, i) => text + (filled[i] ?? "")).join("");
  if (wellFormed.test(key)) return key;
  const path = key.length > 60 ? `${key.slice(0, 60)}…` : key;
  return fail(frame, "bad-path", span, { path, why: "is no part of a key: it is of letters, digits, `_` and `-`, parted by single dots" });
}

export function spellingsOf({ keys }: KeysEntry, frame: Frame): readonly Spelling[] {
  return keys.map(({ text, rows, shape, span }) => ({
    key: textOf(text, wellFormedKey, frame),
    span,
    holed: text.holes.length === 0 ? undefined : span,
    part: rows === undefined ? undefined : partOf(rows, frame),
    shape:
      shape === undefined
        ? undefined
        : { sizes: shape.map((axis) => (isAnyAxis(axis) ? undefined : evaluateInt(axis, frame).value)), exact: true },
  }));
}

function partOf({ index, of }: NonNullable<KeyNode["rows"]>, frame: Frame): KeyPlace["part"] {
  const [at, parts] = [evaluateInt(index, frame).value, evaluateInt(of, frame).value];
  if (parts < 1) fail(frame, "wrong-kind", of.span, { expected: "a number of parts, 1 or more", found: `the int ${parts}` });
  if (at < 0 || at >= parts)
    fail(frame, "wrong-kind", index.span, { expected: `one of the parts 0 to ${parts - 1}`, found: `the int ${at}` });
  return { index: at, of: parts };
}

/** Every spelling of a prefix with every one of what is below it, the first with the first. */
export function within(prefixes: readonly Spelling[], own: readonly Spelling[], frame: Frame, span: Span): readonly Spelling[] {
  spend(frame, span, "items", prefixes.length * own.length);
  return prefixes.flatMap((prefix) =>
    own.map(({ key, span, holed, part, shape }) => ({
      key: joinKeys(prefix.key, key),
      span,
      holed: holed ?? prefix.holed,
      part: part ?? prefix.part,
      shape: shape ?? inexact(prefix.shape),
    })),
  );
}

/** The same with names that are kept behind them. */
export function withTail(spellings: readonly Spelling[], tail: string): readonly Spelling[] {
  if (tail === "") return spellings;
  return spellings.map((spelling) => ({ ...spelling, key: joinKeys(spelling.key, tail), shape: inexact(spelling.shape) }));
}

function inexact(shape: Spelling["shape"]): Spelling["shape"] {
  return shape && { ...shape, exact: false };
}

/** Below a label, vectors are stored as they are: what has another shape is a matrix or a kernel. */
export function placeOf({ key, part, shape, span }: Spelling, path: string, { shape: own }: TensorType, frame: Frame): KeyPlace {
  if (key === "" || key.endsWith("/")) fail(frame, "bad-path", span, { path, why: `has no name of its own in the key \`${key}\`` });
  const parted = part === undefined ? {} : { part };
  if (shape === undefined || (!shape.exact && own.length < 2)) return { key, ...parted };
  let next = 0;
  const stored = shape.sizes.map((size) => size ?? own[next++]);
  const sizes = stored.map((size) => size ?? 0);
  if (sizeOf(sizes) !== sizeOf(own)) {
    const as = stored.map((size) => size ?? "none").join(", ");
    return fail(frame, "layout-shape", span, { path, own: `[${own.join(", ")}]`, stored: `[${as}]` });
  }
  return sizes.join() === own.join() ? { key, ...parted } : { key, shape: sizes, ...parted };
}
