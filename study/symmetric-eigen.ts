/** A symmetric matrix to its eigenvalues and eigenvectors, by Jacobi's rotations (Golub and Van Loan, Matrix Computations, 8.5). */

export type Matrix = readonly (readonly number[])[];

export interface Eigen {
  readonly values: readonly number[];
  /** One a value, of length 1, at right angles to each other. */
  readonly vectors: Matrix;
}

/** Sweeps over all pairs: a few dozen rows take fewer than ten. */
const mostSweeps = 60;

export function eigenOf(matrix: Matrix): Eigen {
  const size = matrix.length;
  const a = matrix.map((row) => Float64Array.from(row));
  const vectors = matrix.map((_, i) => Float64Array.from(matrix, (__, j) => (i === j ? 1 : 0)));
  const at = (i: number, j: number) => (a[i] as Float64Array)[j] as number;
  const off = () => a.reduce((sum, row, i) => sum + row.reduce((part, value, j) => part + (i === j ? 0 : value * value), 0), 0);
  const scale = a.reduce((sum, row) => sum + row.reduce((part, value) => part + value * value, 0), 0);
  for (let sweep = 0; off() > 1e-30 * scale; sweep++) {
    if (sweep === mostSweeps) throw new Error(`eigen: ${size} rows have not settled after ${mostSweeps} sweeps`);
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        if (at(p, q) === 0) continue;
        const ratio = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1));
        const cosine = 1 / Math.hypot(tangent, 1);
        const sine = tangent * cosine;
        for (const row of a) rotate(row, p, q, cosine, sine);
        rotateRows(a[p] as Float64Array, a[q] as Float64Array, cosine, sine);
        rotateRows(vectors[p] as Float64Array, vectors[q] as Float64Array, cosine, sine);
      }
  }
  return { values: a.map((_, i) => at(i, i)), vectors: vectors.map((vector) => [...vector]) };
}

function rotate(row: Float64Array, p: number, q: number, cosine: number, sine: number): void {
  const [a, b] = [row[p] as number, row[q] as number];
  row[p] = cosine * a - sine * b;
  row[q] = sine * a + cosine * b;
}

function rotateRows(first: Float64Array, second: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < first.length; i++) {
    const [a, b] = [first[i] as number, second[i] as number];
    first[i] = cosine * a - sine * b;
    second[i] = sine * a + cosine * b;
  }
}
