/** Rows of equal length to rows of mean 0 and variance 1; the variance takes a second pass, as one pass cancels digits. */

import type { Elements } from "./tensor.ts";

export function normaliseRows(data: Elements, length: number, eps: number): Float64Array {
  const made = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += length) {
    let sum = 0;
    for (let i = start; i < start + length; i++) sum += data[i] as number;
    const mean = sum / length;
    let squares = 0;
    for (let i = start; i < start + length; i++) squares += ((data[i] as number) - mean) ** 2;
    const factor = 1 / Math.sqrt(squares / length + eps);
    for (let i = start; i < start + length; i++) made[i] = ((data[i] as number) - mean) * factor;
  }
  return made;
}
