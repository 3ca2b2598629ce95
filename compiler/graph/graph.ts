/** The graph: a list of values in an order that computes them, each an input, a weight, a constant or the result of one op. */

import type { Span } from "../../dsl/index.ts";
import { bytesOfDType, type DType } from "./dtype.ts";
import type { OpAttributes, OpName } from "./op-names.ts";

export { bytesOfDType, type DType } from "./dtype.ts";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The largest axis of a tensor and int of an op: ONNX has 64 bits for them, typed arrays and kernels 32, with a sign. */
export const mostSize = 2 ** 31 - 1;

/** The most elements a tensor may have: four terabytes of f32, beyond any machine, and sums of many are still exact. */
export const mostElements = 2 ** 40;

export type ValueId = number;

export type Attributes = OpAttributes[OpName];

/** Where a value comes from: the weight path of what owns it, the call in the source, and the calls that it was expanded from, innermost first. */
export interface Origin {
  readonly path: string;
  readonly span: Span;
  readonly expandedFrom: readonly { readonly block: string; readonly span: Span }[];
}

export type WeightInitialiser =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly deviation: number }
  /** Uniform in ±bound: PyTorch's default of convolutions and linear layers, with bound 1/sqrt(fan in). */
  | { readonly kind: "uniform"; readonly bound: number };

export interface InputValue {
  readonly kind: "input";
  readonly id: ValueId;
  readonly type: TensorType;
  readonly name: string;
  /** The axes as the source names them, for bindings and denotations. */
  readonly axes: readonly string[];
}

export interface WeightValue {
  readonly kind: "weight";
  readonly id: ValueId;
  readonly type: TensorType;
  /** The checkpoint's key (law 6). */
  readonly path: string;
  readonly init: WeightInitialiser;
  /** The axes as the source names them, where a `weight` statement does; those that ops own have none. */
  readonly axes?: readonly string[];
}

/** A tensor known at compile time; `data` is row-major and of the length of the shape. */
export interface ConstantValue {
  readonly kind: "constant";
  readonly id: ValueId;
  readonly type: TensorType;
  readonly data: readonly number[];
}

/** The result of one of the ops `O`; which one tells what its attributes are. */
export type OpValueOf<O extends OpName> = {
  readonly [Name in O]: {
    readonly kind: "op";
    readonly id: ValueId;
    readonly type: TensorType;
    readonly op: Name;
    readonly inputs: readonly ValueId[];
    readonly attributes: OpAttributes[Name];
    readonly origin: Origin;
  };
}[O];

export type OpValue = OpValueOf<OpName>;

export type Value = InputValue | WeightValue | ConstantValue | OpValue;

export interface Graph {
  readonly name: string;
  /** Every value after those that it reads; ids are unique, not dense. */
  readonly values: readonly Value[];
  readonly outputs: readonly { readonly name: string; readonly value: ValueId; readonly axes: readonly string[] }[];
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function bytesOf(type: TensorType): number {
  return sizeOf(type.shape) * bytesOfDType[type.dtype];
}

/** The values by id; throws for an id that is not there, which is a bug of the pass that made the graph. */
export function valuesById(graph: Graph): (id: ValueId) => Value {
  const byId = new Map(graph.values.map((value) => [value.id, value]));
  return (id) => {
    const value = byId.get(id);
    if (value === undefined) throw new Error(`graph ${graph.name}: value %${id} is read but not defined`);
    return value;
  };
}
