/** Arrays of the interpreter to tensors, and indices to offsets. */

import { sizeOf, type TensorType } from "../../graph/graph.ts";
import type { Tensor } from "../op.ts";

export function tensor(type: TensorType, data: Float32Array | Int32Array): Tensor {
  if (data.length !== sizeOf(type.shape)) throw new Error(`interpreter: ${data.length} elements for [${type.shape.join(", ")}]`);
  return { shape: type.shape, data };
}

/** Zeros in the type's array; f16 is held as f32. */
export function arrayFor(type: TensorType): Float32Array | Int32Array {
  return type.dtype === "i32" ? new Int32Array(sizeOf(type.shape)) : new Float32Array(sizeOf(type.shape));
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
export function gather(source: Tensor["data"], at: Int32Array): Tensor["data"] {
  const made = source instanceof Int32Array ? new Int32Array(at.length) : new Float32Array(at.length);
  for (let i = 0; i < at.length; i++) made[i] = source[at[i] as number] as number;
  return made;
}
