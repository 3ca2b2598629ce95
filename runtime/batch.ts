/** Tensors cut and joined along their first axis, the batch. */

import { f32, floatsOf, i32, type TensorData } from "./tensor.ts";

/** Rows of tensors of one shape beyond the batch, one after the other; halves become f32. */
export function stack(tensors: readonly TensorData[]): TensorData {
  const [first] = tensors;
  if (!first) throw new Error("batch: nothing to stack");
  const rows = tensors.reduce((sum, tensor) => sum + (tensor.shape[0] ?? 0), 0);
  const shape = [rows, ...first.shape.slice(1)];
  const length = tensors.reduce((sum, tensor) => sum + tensor.data.length, 0);
  const data = first.dtype === "i32" ? new Int32Array(length) : new Float32Array(length);
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.dtype === "i32" ? tensor.data : floatsOf(tensor), at);
    at += tensor.data.length;
  }
  return data instanceof Int32Array ? i32(shape, data) : f32(shape, data);
}

/** A tensor in pieces of `rows` of its first axis, which must divide it; halves become f32. */
export function split(tensor: TensorData, rows: number): readonly TensorData[] {
  const [batch = 0, ...rest] = tensor.shape;
  if (batch % rows !== 0) throw new Error(`batch: ${batch} rows do not divide into pieces of ${rows}`);
  const size = (tensor.data.length / batch) * rows;
  return Array.from({ length: batch / rows }, (_, i) => {
    const shape = [rows, ...rest];
    if (tensor.dtype === "i32") return i32(shape, tensor.data.subarray(i * size, (i + 1) * size));
    return f32(shape, floatsOf(tensor).subarray(i * size, (i + 1) * size));
  });
}
