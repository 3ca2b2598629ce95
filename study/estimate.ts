/** What seeds and clips gave, a table of values, to a mean, its interval, and how far it is from nothing: clips stand within seeds, and the seeds' spread is a guess that the table corrects. */

import { normalUpper, reachOf, studentOutside } from "./distributions.ts";
import { meanOf, sumOfSquares } from "./moments.ts";

/** [seed][clip]: column i is what every seed was asked i-th. Of few columns where a measure is of many clips together. */
export type Table = readonly (readonly number[])[];

export interface Estimate {
  readonly mean: number;
  /** The ends of the 95 % interval; null where there is one seed, and so few values that no spread is known. */
  readonly low: number | null;
  readonly high: number | null;
  /** Two-sided, that the mean is nothing; null where the ends are. */
  readonly p: number | null;
}

/** What the same spread is seen in besides the table's own seeds: sums of squares about their means, of so many degrees of freedom. */
export interface Pool {
  readonly squares: number;
  readonly freedom: number;
}

/**
 * How much training from another seed moves a mean, as a share of the deviation between clips, is believed before the seeds are looked at
 * to be a half-t of four degrees of freedom with such a scale: of shares 1.2 points where they are 80 %; of other figures, of which less is
 * known, a fifth. With three seeds the belief still weighs more than they do.
 */
export const seedScales = { shares: 0.03, other: 0.2 } as const;
/** How far it is believed that seeds move it by any more than twice the scale, all magnitudes alike: of trainings too short to have settled seeds may differ by dozens of points. */
const unforeseen = 0.03;

export interface EstimateOptions {
  readonly kind: keyof typeof seedScales;
  /** What the variance between clips is at least. */
  readonly least?: number;
  readonly pool?: Pool;
}

/** Of fewer values a seed, such as distances of all clips together, the spread between them is not known well enough: each seed is its mean. */
const leastClips = 16;

/**
 * Seeds and prompts are both drawn (crossed random effects; Clark, 1973): the mean's variance is (τ² + r / N) / K + c, with K seeds,
 * N clips, r the residual variance between clips, c what prompts add by themselves, and τ the spread between seeds. K seeds with known
 * variances of their own are a meta-analysis of few studies, whose τ has a weakly informative prior (Friede, Röver, Wandel and
 * Neuenschwander, 2017): the mean's distribution is a mixture of normals over τ. Of few values a seed their mean is all that is looked at, by Student's t.
 */
export function estimated(table: Table, { kind, least = 0, pool }: EstimateOptions): Estimate {
  const [seeds, clips] = [table.length, table[0]?.length ?? 0];
  if (clips === 0 || table.some((row) => row.length !== clips)) throw new Error("study: seeds were asked different numbers of prompts");
  const means = table.map(meanOf);
  const mean = meanOf(means);
  const seen = pool ?? { squares: sumOfSquares(means), freedom: seeds - 1 };
  if (clips < leastClips) return seen.freedom === 0 ? { mean, low: null, high: null, p: null } : byStudent(mean, seen, seeds);
  const { residual, prompts } = variances(table, means, mean);
  const spread = Math.max(residual, least);
  if (spread + prompts === 0) return { mean, low: mean, high: mean, p: mean === 0 ? 1 : 0 };
  // Of what no seed moves, such as an autoencoder that is not trained, prompts alone are drawn.
  const ofSeeds =
    spread === 0 ? [{ weight: 1, variance: 0 }] : mixture({ seeds: seedScales[kind] ** 2 * spread, clips: spread / clips }, seen);
  const parts = ofSeeds.map(({ weight, variance }) => ({ weight, deviation: Math.sqrt(variance / seeds + prompts) }));
  const outside = (distance: number) =>
    parts.reduce((sum, { weight, deviation }) => sum + weight * 2 * normalUpper(distance / deviation), 0);
  return around(mean, outside, Math.max(...parts.map(({ deviation }) => deviation)));
}

/** How far the mean lies from nothing, and where a twentieth is left outside, as `reachOf` finds it. */
function around(mean: number, outside: (distance: number) => number, begin: number): Estimate {
  const reach = reachOf(outside, begin);
  return { mean, low: mean - reach, high: mean + reach, p: outside(Math.abs(mean)) };
}

function byStudent(mean: number, { squares, freedom }: Pool, seeds: number): Estimate {
  const deviation = Math.sqrt(squares / freedom / seeds);
  if (deviation === 0) return { mean, low: mean, high: mean, p: mean === 0 ? 1 : 0 };
  return around(mean, (distance) => studentOutside(distance / deviation, freedom), deviation);
}

/** Between clips of one seed, less what their prompts explain; and what prompts alone add to the variance of the mean. With one seed nothing tells the two apart. */
function variances(table: Table, means: readonly number[], mean: number): { readonly residual: number; readonly prompts: number } {
  const [seeds, clips] = [table.length, table[0]?.length ?? 0];
  if (seeds === 1) return { residual: sumOfSquares(table[0] ?? []) / (clips - 1), prompts: 0 };
  const columns = new Array<number>(clips).fill(0);
  for (const row of table) for (let i = 0; i < clips; i++) columns[i] = (columns[i] ?? 0) + (row[i] ?? 0) / seeds;
  let squares = 0;
  for (const [s, row] of table.entries()) {
    const offset = (means[s] ?? 0) - mean;
    for (let i = 0; i < clips; i++) squares += ((row[i] ?? 0) - offset - (columns[i] ?? 0)) ** 2;
  }
  const residual = squares / ((seeds - 1) * (clips - 1));
  const ofPrompts = (sumOfSquares(columns) * seeds) / (clips - 1);
  return { residual, prompts: Math.max(0, ofPrompts - residual) / (seeds * clips) };
}

/** Spreads in units of the scale, even by their logarithms, from where clips hide them to where no seed is. */
const spreads = Array.from({ length: 160 }, (_, i) => 10 ** (-2 + i / 32));
/** Of a half-t of four degrees of freedom; its constant goes with the sum. */
const densities = spreads.map((at) => at * (1 + at ** 2 / 4) ** -2.5);
const [allDensities, wide] = [densities.reduce((sum, density) => sum + density, 0), spreads.filter((at) => at >= 2).length];
/** What each is believed, as logarithms. */
const beliefs = spreads.map((at, i) =>
  Math.log(((1 - unforeseen) * (densities[i] ?? 0)) / allDensities + (at >= 2 ? unforeseen / wide : 0)),
);

interface Spread {
  /** The scale of τ², and what the clips of one seed add. */
  readonly seeds: number;
  readonly clips: number;
}

/** What a seed's mean may vary by, τ² and clips together, and how much each is believed once the seeds are seen: the restricted likelihood of their squares. */
function mixture({ seeds, clips }: Spread, { squares, freedom }: Pool): readonly { readonly weight: number; readonly variance: number }[] {
  const all = spreads.map((at, i) => {
    const variance = at ** 2 * seeds + clips;
    return { variance, log: (beliefs[i] ?? 0) - (freedom * Math.log(variance) + squares / variance) / 2 };
  });
  const most = Math.max(...all.map(({ log }) => log));
  const weights = all.map(({ log }) => Math.exp(log - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return all.map(({ variance }, i) => ({ variance, weight: (weights[i] ?? 0) / sum }));
}
