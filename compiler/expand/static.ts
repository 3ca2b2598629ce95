/** What an expression of the language is while blocks are expanded: a number, text, list or record known now, or a tensor of the graph. */

import type { Axis, Factor } from "../graph/axis.ts";
import { axisName, showAxes } from "../graph/axis.ts";
import type { ValueId } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";

/** `factors` are the named axes that the number is the product of, so that `H * W` names an axis. */
export interface IntStatic {
  readonly kind: "int";
  readonly value: number;
  readonly factors?: readonly Factor[];
}

export interface TensorStatic {
  readonly kind: "tensor";
  readonly id: ValueId;
  readonly type: AxisType;
}

export interface ListStatic {
  readonly kind: "list";
  readonly items: readonly Static[];
}

export interface RecordStatic {
  readonly kind: "record";
  readonly fields: ReadonlyMap<string, Static>;
}

export type Static =
  | IntStatic
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | ListStatic
  | RecordStatic
  | TensorStatic;

export function int(value: number, factors?: readonly Factor[]): IntStatic {
  return factors === undefined ? { kind: "int", value } : { kind: "int", value, factors };
}

/** A number as an axis: named by its factors where it has any, else by its size. */
export function axisOf(number: IntStatic): Axis {
  return { size: number.value, factors: number.factors ?? [{ name: String(number.value), size: number.value }] };
}

/** How a number reads in a message: `C * 8`, or its digits. */
export function nameOf(number: IntStatic): string {
  return number.factors === undefined ? String(number.value) : axisName(axisOf(number));
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
      return `the string ${JSON.stringify(value.value)}`;
    case "list":
      return `a list of ${value.items.length}`;
    case "record":
      return `a record { ${[...value.fields.keys()].join(", ")} }`;
    case "tensor":
      return `a tensor ${showAxes(value.type.axes)}`;
  }
}

export function sameStatic(a: Static, b: Static): boolean {
  if (a.kind === "list" && b.kind === "list") {
    return a.items.length === b.items.length && a.items.every((item, i) => sameStatic(item, b.items[i] as Static));
  }
  if ((a.kind === "int" || a.kind === "float") && (b.kind === "int" || b.kind === "float")) return a.value === b.value;
  if ((a.kind === "bool" && b.kind === "bool") || (a.kind === "string" && b.kind === "string")) return a.value === b.value;
  return false;
}
