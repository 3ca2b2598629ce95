/** The values of a measure to their mean and its 95 % interval: what other prompts of the same kind, and other noises, would have given. */

import { reachOf, studentOutside } from "./distributions.ts";
import type { Measure } from "./measure.ts";
import { meanOf, sumOfSquares } from "./moments.ts";

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
  const deviation = Math.sqrt(sumOfSquares(single) / (count - 1) / count);
  const half = deviation * reachOf((t) => studentOutside(t, count - 1), 2);
  return { mean, low: mean - half, high: mean + half };
}

function meansOfPrompts(values: readonly number[], prompts: number): readonly number[] {
  return Array.from({ length: prompts }, (_, prompt) => meanOf(values.filter((__, i) => i % prompts === prompt)));
}

/** The normal's quantile of 97.5 %. */
const z = 1.959964;

function wilson(share: number, count: number): { readonly low: number; readonly high: number } {
  const scale = 1 + z ** 2 / count;
  const middle = (share + z ** 2 / (2 * count)) / scale;
  const half = (z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))) / scale;
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
