/** The values of a measure to their mean and its 95 % interval: what other prompts of the same kind, and other noises, would have given. */

import type { Measure } from "./measure.ts";

export interface Interval {
  readonly mean: number;
  /** Null where a single value says nothing of how far others would lie. */
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Of `prompts` prompts, seed after seed. Clips of one prompt are likely alike, so that a prompt counts once, by their mean: of shares by Wilson's interval (1927), which
 * knows that 64 of 64 may have been luck, of all else by Student's t. Of fewer values than prompts, one a seed, each counts. Of values that are not finite (the PSNR of
 * a clip that comes back as it was) there is no interval.
 */
export function intervalOf({ unit, values }: Pick<Measure, "unit" | "values">, prompts: number): Interval {
  const single = values.length < prompts ? values : meansOfPrompts(values, prompts);
  const mean = meanOf(single);
  const count = single.length;
  if (count === 0 || !Number.isFinite(mean)) return { mean, low: null, high: null };
  if (unit === "%") return { mean, ...wilson(mean, count) };
  if (count < 2) return { mean, low: null, high: null };
  const variance = single.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const half = studentQuantile(count - 1) * Math.sqrt(variance / count);
  return { mean, low: mean - half, high: mean + half };
}

function meansOfPrompts(values: readonly number[], prompts: number): readonly number[] {
  return Array.from({ length: prompts }, (_, prompt) => meanOf(values.filter((__, i) => i % prompts === prompt)));
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The normal's quantile of 97.5 %. */
const z = 1.959964;

function wilson(share: number, count: number): { readonly low: number; readonly high: number } {
  const scale = 1 + z ** 2 / count;
  const middle = (share + z ** 2 / (2 * count)) / scale;
  const half = (z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))) / scale;
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Of 97.5 %, by degrees of freedom from 1: the published table. */
const few = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** Beyond the table by Cornish and Fisher's expansion (Abramowitz and Stegun, 26.7.5), to three places. */
function studentQuantile(freedom: number): number {
  const known = few[freedom - 1];
  if (known !== undefined) return known;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}
