/** How far a tensor is from what it should be, by the largest of its elements. */

import { halvesToFloats } from "../runtime/half.ts";
import type { TensorData } from "../runtime/tensor.ts";

/** The largest difference, relative to the largest value that is expected; infinite where a number is none or sizes differ. */
export function errorOf(found: TensorData, expected: TensorData): number {
  return worstOf(found, expected).error;
}

export interface Worst {
  readonly error: number;
  /** The element's place, row-major. */
  readonly at: number;
  readonly found: number;
  readonly expected: number;
}

export function worstOf(found: TensorData, expected: TensorData): Worst {
  const [a, b] = [numbers(found), numbers(expected)];
  let largest = 0;
  for (const value of b) largest = Math.max(largest, Math.abs(value));
  let worst: Worst = { error: a.length === b.length ? 0 : Number.POSITIVE_INFINITY, at: 0, found: a[0] ?? 0, expected: b[0] ?? 0 };
  for (let at = 0; at < b.length; at++) {
    const difference = Math.abs((a[at] ?? Number.NaN) - (b[at] ?? Number.NaN)) / (largest || 1);
    const error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (error > worst.error) worst = { error, at, found: a[at] ?? Number.NaN, expected: b[at] ?? Number.NaN };
  }
  return worst;
}

function numbers(tensor: TensorData): Float32Array | Int32Array {
  return tensor.dtype === "f16" ? halvesToFloats(tensor.data) : tensor.data;
}
