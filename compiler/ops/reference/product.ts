/** Two matrices to their product, with sums in f64. */

import type { Floats } from "../op.ts";
import { type Elements, emptyLike } from "./tensor.ts";

export interface Matrix {
  readonly data: Elements;
  readonly start: number;
}

/** `a` [rows, inner] times `b` [columns, inner] transposed, as linear layers hold their weights, into `made` [rows, columns] from `at`. */
export function productTransposed(a: Matrix, b: Matrix, made: Floats, at: number, rows: number, inner: number, columns: number): void {
  const [left, right] = [a.data, b.data];
  for (let row = 0; row < rows; row++) {
    const i = a.start + row * inner;
    let column = 0;
    // Four sums at a time: each element of `a` is read once for four of `b`.
    for (; column + 3 < columns; column += 4) {
      const j0 = b.start + column * inner;
      const [j1, j2, j3] = [j0 + inner, j0 + 2 * inner, j0 + 3 * inner];
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let k = 0; k < inner; k++) {
        const factor = left[i + k] as number;
        s0 += factor * (right[j0 + k] as number);
        s1 += factor * (right[j1 + k] as number);
        s2 += factor * (right[j2 + k] as number);
        s3 += factor * (right[j3 + k] as number);
      }
      const target = at + row * columns + column;
      made[target] = s0;
      made[target + 1] = s1;
      made[target + 2] = s2;
      made[target + 3] = s3;
    }
    for (; column < columns; column++) {
      const j = b.start + column * inner;
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (left[i + k] as number) * (right[j + k] as number);
      made[at + row * columns + column] = sum;
    }
  }
}

/** `a` [rows, inner] times `b` [inner, columns], into `made` [rows, columns] from `at`. */
export function product(a: Matrix, b: Matrix, made: Floats, at: number, rows: number, inner: number, columns: number): void {
  const transposed = emptyLike(b.data, columns * inner);
  for (let k = 0; k < inner; k++) {
    for (let column = 0; column < columns; column++) transposed[column * inner + k] = b.data[b.start + k * columns + column] as number;
  }
  productTransposed(a, { data: transposed, start: 0 }, made, at, rows, inner, columns);
}
