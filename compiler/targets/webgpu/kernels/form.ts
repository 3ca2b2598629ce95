/** How an op becomes WGSL: the part of its row in the op table that the device's kernels are made from. */

import type { DType, OpValue, ValueId } from "../../../graph/graph.ts";
import type { Coordinate } from "../plan/coordinates.ts";

/** One element, or four neighbours. */
export type Width = 1 | 4;

/** What the body of a kernel is written through. */
export interface ElementReader {
  /** WGSL that is the value's elements at a place: f32 or vec4<f32>, i32 for integers, whose width is 1. */
  read(id: ValueId, at: readonly Coordinate[], width: Width): string;
  /** Names an expression, so that it is computed once. */
  name(expression: string): string;
  /** Writes statements that set a variable in one of two ways; returns its name. */
  choose(condition: string, width: Width, yes: () => string, no: () => string): string;
  /** Adds a function of WGSL to the kernel, once. */
  define(source: string): void;
  /** f32 numbers known at compile time, at an index. */
  table(numbers: readonly number[], index: Coordinate, width: Width): string;
  /** A row's element in a weight too large for one binding or read by a number that only the device knows. */
  row(weight: ValueId, row: string, column: Coordinate, width: Width): string;
  /** The places of four neighbours one by one. */
  neighbours(at: readonly Coordinate[]): readonly (readonly Coordinate[])[];
  shapeOf(id: ValueId): readonly number[];
  dtypeOf(id: ValueId): DType;
}

export type WgslForm =
  /** Each element from the inputs' elements at the same place; `type` is f32 or vec4<f32>. */
  | { readonly kind: "element"; readonly write: (inputs: readonly string[], type: string, reader: ElementReader) => string }
  /** No arithmetic: where in its only input an element lies. Of `whole` ones no element is lost or doubled. */
  | {
      readonly kind: "move";
      readonly whole: boolean;
      readonly source: (at: readonly Coordinate[], op: OpValue, shape: readonly number[]) => readonly Coordinate[];
    }
  /** Reads its inputs at places of its own. */
  | { readonly kind: "gather"; readonly write: (reader: ElementReader, op: OpValue, at: readonly Coordinate[], width: Width) => string }
  /** Sums over many elements: a kernel of its own, which takes element ops in at its end. */
  | { readonly kind: "kernel" };

/** Whether four neighbours stand at the same place on these axes. */
export function isShared(reader: ElementReader, places: readonly Coordinate[]): boolean {
  const [first, ...others] = reader.neighbours(places).map((each) => JSON.stringify(each));
  return others.every((other) => other === first);
}

/** WGSL has no overloading: functions on one element and on four are told apart by their names. */
export function nameFor(name: string, type: string): string {
  return type === "f32" ? name : `${name}4`;
}

/** The function erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26); WGSL has none. */
export function erfOf(type: string): string {
  return `fn ${nameFor("erf", type)}(x: ${type}) -> ${type} {
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-a * a));
}`;
}

/** 1 / (1 + exp(-x)); the exponent is kept from overflowing, as WGSL leaves infinities undefined. */
export function sigmoidOf(x: string, type: string): string {
  return `(1.0 / (1.0 + exp(min(-${x}, ${type}(80.0)))))`;
}
