/** What an op is to a kernel: arithmetic on an element, an index map, a read at places of its own, or a sum that is a kernel itself. */

import type { DType, OpValueOf, ValueId } from "../../../graph/graph.ts";
import type { OpName } from "../../../graph/op-names.ts";
import type { Coordinate } from "../layout/coordinates.ts";

/** One element, or four neighbours. */
export type Width = 1 | 4;

/** What the body of a kernel is written through. */
export interface ElementReader {
  /** WGSL that is the value's elements at a place: f32 or vec4<f32>, i32 for integers, whose width is 1. */
  read(id: ValueId, at: readonly Coordinate[], width: Width): string;
  /** Names an expression, so that it is computed once. */
  name(expression: string): string;
  /** Writes statements that set a variable in one of two ways; returns its name. `dtype` is that of the elements. */
  choose(condition: string, width: Width, yes: () => string, no: () => string, dtype?: DType): string;
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

export type Form<O extends OpName = OpName> = ElementForm<O> | MoveForm<O> | GatherForm<O> | KernelForm;

/** Each element from the inputs' elements at the same place; `type` is f32 or vec4<f32>. */
export interface ElementForm<O extends OpName = OpName> {
  readonly kind: "element";
  write(inputs: readonly string[], type: string, reader: ElementReader, op: OpValueOf<O>): string;
}

/** No arithmetic: where in its only input an element lies. Of `bijective` ones no element is lost or doubled. */
export interface MoveForm<O extends OpName> {
  readonly kind: "move";
  readonly bijective: boolean;
  source(at: readonly Coordinate[], op: OpValueOf<O>, shape: readonly number[]): readonly Coordinate[];
}

/** Reads its inputs at places of its own. */
export interface GatherForm<O extends OpName> {
  readonly kind: "gather";
  /** Of an input as large as the result too: no kernel that makes the input can go on to make the result. */
  readonly readsElsewhere?: true;
  write(reader: ElementReader, op: OpValueOf<O>, at: readonly Coordinate[], width: Width): string;
}

/** Sums over many elements: a kernel of its own, which takes element ops in at its end. */
export interface KernelForm {
  readonly kind: "kernel";
}

/** Whether four neighbours stand at the same place on these axes. */
export function isShared(reader: ElementReader, places: readonly Coordinate[]): boolean {
  const [first, ...others] = reader.neighbours(places).map((each) => JSON.stringify(each));
  return others.every((other) => other === first);
}

/** WGSL has no overloading: functions on one element and on four are told apart by their names. */
export function nameFor(name: string, type: string): string {
  return type === "f32" ? name : `${name}4`;
}
