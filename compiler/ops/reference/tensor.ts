/** Arrays of the interpreter to tensors, and indices to offsets. */

import { sizeOf } from "../../graph/graph.ts";
import type { Floats, ResultType, Tensor } from "../op.ts";

export type Elements = Floats | Int32Array;

export function tensor(type: ResultType, data: Elements): Tensor<Floats> {
  if (data.length !== sizeOf(type.shape)) throw new Error(`interpreter: ${data.length} elements for [${type.shape.join(", ")}]`);
  return { shape: type.shape, data };
}

/** Zeros in the type's array. */
export function arrayFor(type: ResultType): Elements {
  return type.dtype === "i32" ? new Int32Array(sizeOf(type.shape)) : floatsFor(type);
}

/** Zeros in the array that the type's floats are held in. */
export function floatsFor({ shape, wide }: ResultType): Floats {
  return wide ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
}

/** Each element through a function, in the type's array. */
export function mapped(type: ResultType, data: Elements, compute: (x: number) => number): Tensor<Floats> {
  const made = arrayFor(type);
  for (let i = 0; i < made.length; i++) made[i] = compute(data[i] as number);
  return tensor(type, made);
}

/** Numbers of f64 as the type holds them. */
export function rounded(type: ResultType, numbers: ArrayLike<number>): Tensor<Floats> {
  const made = arrayFor(type);
  made.set(numbers);
  return tensor(type, made);
}

/** Zeros in an array like this one. */
export function emptyLike(data: Elements, length: number): Elements {
  if (data instanceof Int32Array) return new Int32Array(length);
  return data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}

/** How far apart neighbours along each axis are, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** For each index of `shape` in row-major order, the sum of index × stride: offsets into a tensor that is read in another order. */
export function offsets(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  let current = Int32Array.of(start);
  for (const [axis, size] of shape.entries()) {
    const stride = strides[axis] ?? 0;
    const next = new Int32Array(current.length * size);
    for (let i = 0, at = 0; i < current.length; i++) {
      for (let j = 0, offset = current[i] ?? 0; j < size; j++, offset += stride) next[at++] = offset;
    }
    current = next;
  }
  return current;
}

/** Reads `source` at the offsets. */
export function gather(source: Elements, at: Int32Array): Elements {
  const made = emptyLike(source, at.length);
  for (let i = 0; i < at.length; i++) made[i] = source[at[i] as number] as number;
  return made;
}
