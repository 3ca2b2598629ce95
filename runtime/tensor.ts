/** A tensor in memory: a name of the element type, a shape and row-major elements. */

import { floatsToHalves, halvesToFloats } from "./half.ts";

export type TensorData =
  | { readonly dtype: "f32"; readonly shape: readonly number[]; readonly data: Float32Array }
  /** Halves as their bits. */
  | { readonly dtype: "f16"; readonly shape: readonly number[]; readonly data: Uint16Array }
  | { readonly dtype: "i32"; readonly shape: readonly number[]; readonly data: Int32Array };

const arrays = { f32: "Float32Array", f16: "Uint16Array", i32: "Int32Array" } as const;

/** Whether a value has what its type says; arrays of another frame of a page are arrays too. */
export function isTensor(value: unknown): value is TensorData {
  if (typeof value !== "object" || value === null || !("dtype" in value) || !("shape" in value) || !("data" in value)) return false;
  const { dtype, shape, data } = value;
  const array = typeof dtype === "string" && Object.hasOwn(arrays, dtype) ? arrays[dtype as keyof typeof arrays] : undefined;
  return Array.isArray(shape) && ArrayBuffer.isView(data) && data.constructor.name === array;
}

/** Named tensors: what a graph takes and gives. */
export type Tensors = { readonly [name: string]: TensorData };

export function f32(shape: readonly number[], data: Float32Array): TensorData {
  return { dtype: "f32", shape, data };
}

export function i32(shape: readonly number[], data: Int32Array): TensorData {
  return { dtype: "i32", shape, data };
}

export function zeros({ dtype, shape }: Pick<TensorData, "dtype" | "shape">): TensorData {
  const count = elements(shape);
  if (dtype === "i32") return i32(shape, new Int32Array(count));
  return dtype === "f32" ? f32(shape, new Float32Array(count)) : { dtype, shape, data: new Uint16Array(count) };
}

/** The number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The elements of an f32 or f16 tensor as f32; an i32 tensor here is a bug. */
export function floatsOf(tensor: TensorData): Float32Array {
  if (tensor.dtype === "i32") throw new Error("tensor: floats asked of an i32 tensor");
  return tensor.dtype === "f32" ? tensor.data : halvesToFloats(tensor.data);
}

/** The tensor in the other float precision, or itself; undefined where one side is i32 and the other is not. */
export function toDType(tensor: TensorData, dtype: TensorData["dtype"]): TensorData | undefined {
  if (tensor.dtype === dtype) return tensor;
  if (tensor.dtype === "f32" && dtype === "f16") return { dtype, shape: tensor.shape, data: floatsToHalves(tensor.data) };
  if (tensor.dtype === "f16" && dtype === "f32") return { dtype, shape: tensor.shape, data: halvesToFloats(tensor.data) };
  return undefined;
}

/** `f32 [2, 3]`, for messages. */
export function describe(dtype: string, shape: readonly number[]): string {
  return `${dtype} ${shapeText(shape)}`;
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
