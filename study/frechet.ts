/** Two sets of feature vectors to the Fréchet distance between the Gaussians that fit them (Dowson and Landau, 1982; Heusel et al., 2017). */

import { eigenOf, type Matrix } from "./symmetric-eigen.ts";

export interface Gaussian {
  readonly mean: readonly number[];
  readonly covariance: Matrix;
}

/** The mean and the covariance (of n - 1, as NumPy's `cov`) of at least two vectors. */
export function gaussianOf(vectors: readonly ArrayLike<number>[]): Gaussian {
  const [first = [], second] = vectors;
  if (second === undefined) throw new Error(`frechet: a covariance of ${vectors.length} vectors`);
  const size = first.length;
  const mean = Array.from({ length: size }, (_, i) => vectors.reduce((sum, one) => sum + (one[i] ?? 0), 0) / vectors.length);
  const covariance = mean.map((mi, i) =>
    mean.map((mj, j) => vectors.reduce((sum, one) => sum + ((one[i] ?? 0) - mi) * ((one[j] ?? 0) - mj), 0) / (vectors.length - 1)),
  );
  return { mean, covariance };
}

/** |m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^½): the square, as the Fréchet inception distance has it. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const shift = a.mean.reduce((sum, value, i) => sum + (value - (b.mean[i] ?? 0)) ** 2, 0);
  // (S1 S2)^½ has the trace of (S1^½ S2 S1^½)^½, which is symmetric.
  const root = squareRoot(a.covariance);
  const { values } = eigenOf(product(product(root, b.covariance), root));
  const joint = values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  return Math.max(0, shift + trace(a.covariance) + trace(b.covariance) - 2 * joint);
}

function squareRoot(matrix: Matrix): Matrix {
  const { values, vectors } = eigenOf(matrix);
  const roots = values.map((value) => Math.sqrt(Math.max(0, value)));
  return matrix.map((_, i) =>
    matrix.map((__, j) => roots.reduce((sum, root, k) => sum + root * (vectors[k]?.[i] ?? 0) * (vectors[k]?.[j] ?? 0), 0)),
  );
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => row.map((_, j) => row.reduce((sum, value, k) => sum + value * (b[k]?.[j] ?? 0), 0)));
}

function trace(matrix: Matrix): number {
  return matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
}
