// The gradients that golden/reference/make_gradients.py made, each told by its norm and four inner products, and whether others are the same.

import { expect } from "vitest";
import { normals, streamOf } from "../../runtime/sampler/random.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { readTensors } from "./cases.ts";

/** Of each weight |g|, then g · v for each of `directions`. */
export type Rows = ReadonlyMap<string, readonly number[]>;

export interface GradientGolden {
  /** Every output of the loss; the first is differentiated. */
  readonly losses: readonly number[];
  readonly rows: Rows;
}

/** Those of a long direction begin with those of a short one. */
const longest = 2 ** 19;
const count = 4;
export const directions: readonly Float32Array[] = Array.from({ length: count }, (_, k) => normals(7, streamOf(`direction ${k}`), longest));

/** By the names of the cases. */
export function gradientGoldens(file: string): (name: string) => GradientGolden {
  const { metadata, tensors } = readTensors(`golden/gradients/${file}.safetensors`);
  const numbers = (key: string) => floatsOf(tensors.get(key) as TensorData);
  return (name) => {
    const paths = metadata.get(name)?.split("\n") ?? [];
    const all = numbers(`${name}/rows`);
    const width = 1 + count;
    const rows = new Map(paths.map((path, i) => [path, [...all.subarray(i * width, (i + 1) * width)]]));
    return { losses: [...numbers(`${name}/loss`)], rows };
  };
}

export function rowOf(data: ArrayLike<number>): readonly number[] {
  const dot = (a: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += (data[i] as number) * (a[i] as number);
    return sum;
  };
  return [Math.sqrt(dot(data)), ...directions.map(dot)];
}

/** Fails where the gradients of f32 are others than those of f64. */
export function expectRows(found: Rows, rows: Rows): void {
  expect([...found.keys()].sort()).toEqual([...rows.keys()]);
  const squared = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x * x, 0);
  const whole = Math.sqrt(squared([...rows.values()].map(([norm = 0]) => norm)));
  let errors = 0;
  for (const [path, row] of found) {
    const expected = rows.get(path) ?? [];
    const differences = row.map((x, k) => x - (expected[k] as number));
    errors += squared(differences.slice(1)) / count;
    // Each weight by itself, within a ten thousandth; of true gradients of zero (a key's bias) nothing is left but what rounding makes of the whole.
    const limit = 1e-4 * (expected[0] as number) + 1e-6 * whole;
    // A direction's share of an error is a normal number times its size: three deviations.
    expect([path, differences]).toEqual([path, differences.map(() => expect.toSatisfy((x: number) => Math.abs(x) <= 3 * limit))]);
  }
  // An estimate of |error| over |gradient|, good to a tenth over a few dozen weights.
  expect(Math.sqrt(errors) / whole).toBeLessThan(1e-5);
}
