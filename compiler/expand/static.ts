/** What an expression of the language is while blocks are expanded: a number, text, list or record known now, or a tensor of the graph. */

import { type Axis, namedAxis, plainAxis, showAxes } from "../graph/axis.ts";
import type { ValueId } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import { PersistentList } from "./persistent-list.ts";

/** `axis` is what the source calls it, so that `H * W` names an axis; absent where it has only digits. */
export interface IntStatic {
  readonly kind: "int";
  readonly value: number;
  readonly axis?: Axis;
}

export interface TensorStatic {
  readonly kind: "tensor";
  readonly id: ValueId;
  readonly type: AxisType;
}

/** Lists are values: what one name pushes, no other sees. */
export class ListStatic {
  readonly kind = "list";
  /** Lists and records within each other, this one included. */
  readonly depth: number;
  private readonly list: PersistentList<Static>;

  private constructor(list: PersistentList<Static>, depth: number) {
    this.list = list;
    this.depth = depth;
  }

  static of(items: readonly Static[]): ListStatic {
    return new ListStatic(PersistentList.of(items), depthAround(items));
  }

  get length(): number {
    return this.list.length;
  }

  get items(): readonly Static[] {
    return this.list.items;
  }

  at(index: number): Static | undefined {
    return this.list.at(index);
  }

  push(item: Static): ListStatic {
    return new ListStatic(this.list.push(item), Math.max(this.depth, 1 + depthOf(item)));
  }

  pop(): ListStatic {
    return new ListStatic(this.list.pop(), this.depth);
  }
}

export interface RecordStatic {
  readonly kind: "record";
  readonly fields: ReadonlyMap<string, Static>;
  readonly depth: number;
}

export function record(fields: ReadonlyMap<string, Static>): RecordStatic {
  return { kind: "record", fields, depth: depthAround(fields.values()) };
}

/** How many lists and records a value has within each other. */
export function depthOf(value: Static): number {
  return value.kind === "list" || value.kind === "record" ? value.depth : 0;
}

function depthAround(parts: Iterable<Static>): number {
  let depth = 1;
  for (const part of parts) depth = Math.max(depth, 1 + depthOf(part));
  return depth;
}

export type Static =
  | IntStatic
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | ListStatic
  | RecordStatic
  | TensorStatic;

/** There is no -0 among whole numbers. */
export function int(value: number, axis?: Axis): IntStatic {
  return axis === undefined ? { kind: "int", value: value + 0 } : { kind: "int", value: value + 0, axis };
}

export function axisOf({ value, axis }: IntStatic): Axis {
  return axis ?? plainAxis(value);
}

/** A number by the name that it is declared with; `is` what a const was defined as, which it goes on to be. */
export function namedInt(name: string, value: number, is?: Axis): IntStatic {
  return int(value, namedAxis(name, value, is));
}

/** What a const's name stands for: ints are axes by that name, all else is what it is. */
export function constant(name: string, value: Static): Static {
  return value.kind === "int" ? namedInt(name, value.value, axisOf(value)) : value;
}

const withoutNames = new WeakMap<ListStatic | RecordStatic, Static>();

/** A value that a block is given, with its numbers as digits: the names are the caller's, and may be others in the block. */
export function unnamed(value: Static): Static {
  if (value.kind === "int") return value.axis === undefined ? value : int(value.value);
  if (value.kind !== "list" && value.kind !== "record") return value;
  const known = withoutNames.get(value);
  if (known !== undefined) return known;
  const made =
    value.kind === "list"
      ? mapped(value, value.items, (items) => ListStatic.of(items))
      : mapped(value, [...value.fields.values()], (items) =>
          record(new Map([...value.fields.keys()].map((name, i) => [name, items[i] as Static]))),
        );
  withoutNames.set(value, made);
  return made;
}

/** The same value where no part has changed, so that what is shared stays shared. */
function mapped(value: Static, parts: readonly Static[], make: (parts: readonly Static[]) => Static): Static {
  const made = parts.map(unnamed);
  return made.every((part, i) => part === parts[i]) ? value : make(made);
}

/** How a number reads in a message: `C * 8`, or its digits. */
export function nameOf({ value, axis }: IntStatic): string {
  return axis?.name ?? String(value);
}

/** A value in words, for messages: `the int 3`, `a list of 4`, `a tensor [B, F, C, H, W]`. */
export function describe(value: Static): string {
  switch (value.kind) {
    case "int":
    case "float":
      return `the ${value.kind} ${value.value}`;
    case "bool":
      return `the bool ${value.value}`;
    case "string":
      return `the string ${JSON.stringify(value.value.length > 80 ? `${value.value.slice(0, 80)}…` : value.value)}`;
    case "list":
      return `a list of ${value.length}`;
    case "record":
      return `a record { ${[...value.fields.keys()].join(", ")} }`;
    case "tensor":
      return `a tensor ${showAxes(value.type.axes)}`;
  }
}

/**
 * Whether two values known now are equal; undefined where tensors are among them, whose elements are not known. `spend` is told of
 * each pair. Parts that both share with others are compared once: written out, they may be more than any memory holds.
 */
export function sameStatic(a: Static, b: Static, spend: () => void): boolean | undefined {
  const compared = new Map<Static, Map<Static, boolean | undefined>>();
  const same = (left: Static, right: Static): boolean | undefined => {
    spend();
    if ((left.kind === "int" || left.kind === "float") && (right.kind === "int" || right.kind === "float"))
      return left.value === right.value;
    if ((left.kind === "bool" && right.kind === "bool") || (left.kind === "string" && right.kind === "string")) {
      return left.value === right.value;
    }
    if (left.kind === "tensor" || right.kind === "tensor") return undefined;
    const of = compared.get(left) ?? new Map<Static, boolean | undefined>();
    if (!of.has(right)) {
      compared.set(left, of);
      of.set(right, sameParts(left, right, same));
    }
    return of.get(right);
  };
  return same(a, b);
}

function sameParts(a: Static, b: Static, same: (left: Static, right: Static) => boolean | undefined): boolean | undefined {
  if (a.kind === "list" && b.kind === "list") return a.length === b.length && all(a.items, (item, i) => same(item, b.items[i] as Static));
  if (a.kind !== "record" || b.kind !== "record" || a.fields.size !== b.fields.size) return false;
  return all([...a.fields], ([name, field]) => {
    const other = b.fields.get(name);
    return other === undefined ? false : same(field, other);
  });
}

function all<T>(items: readonly T[], test: (item: T, i: number) => boolean | undefined): boolean | undefined {
  for (const [i, item] of items.entries()) {
    const found = test(item, i);
    if (found !== true) return found;
  }
  return true;
}
