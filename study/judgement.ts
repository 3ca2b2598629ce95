/** What was measured of a baseline and of its variants to what can be said of each measure: its mean, its difference from the baseline, and whether that is real. */

import { type Estimate, type EstimateOptions, estimated, type Pool, type Table } from "./estimate.ts";
import type { Measure, Measured } from "./measure.ts";
import { meanOf } from "./moments.ts";

/** A model, trained from several seeds. */
export interface Arm {
  readonly name: string;
  /** By seed. */
  readonly cells: ReadonlyMap<number, readonly Measured[]>;
}

export type Verdict =
  /** A real difference. */
  | "better"
  | "worse"
  /** What is seen may well be chance. */
  | "open"
  /** One seed was trained: how much another would differ is not known. */
  | "one-seed"
  /** Every value is the baseline's, bit for bit. */
  | "same";

export interface Judgement extends Pick<Measure, "unit" | "better"> {
  readonly variant: string;
  readonly set: Measured["set"];
  readonly measure: string;
  readonly own: Estimate;
  /** From the baseline, of the seeds that both have; null of the baseline itself, and of what is not compared. */
  readonly difference: Difference | null;
}

export interface Difference extends Estimate {
  readonly seeds: number;
  /** `p` times what Holm's procedure (1979) asks for, over all differences of its family, and of the level 5 %; null where none is judged. */
  readonly adjusted: number | null;
  readonly verdict: Verdict;
}

/**
 * How often a study of models that are all alike may call anything real, 5 % in all. Most of it goes to what a study is asked first, whether
 * clips show what their prompts say (the shares of seen combinations), the rest to all other measures together.
 */
export const levels = { asked: 0.04, other: 0.01 } as const;

/** Every measure of every arm, the baseline's first. Real clips and shuffled captions say what is best and what chance gives, and are not compared. */
export function judged(baseline: Arm, variants: readonly Arm[]): readonly Judgement[] {
  const arms = [baseline, ...variants];
  const all = arms.flatMap((arm) => {
    const first = [...arm.cells.values()][0] ?? [];
    return first.flatMap(({ set, measures }) =>
      measures.map(({ name, unit, better }): Judgement => {
        const own = estimated(tableOf(arm, set, name, seedsOf(arm)), kindOf(unit));
        const isCompared = arm !== baseline && (set === "seen" || set === "held-out");
        const difference = isCompared ? differenceOf(baseline, arm, arms, { set, name, unit }) : null;
        return { variant: arm.name, set, measure: name, unit, better, own: unit === "%" ? withinShares(own) : own, difference };
      }),
    );
  });
  return corrected(all);
}

interface Named {
  readonly set: Measured["set"];
  readonly name: string;
  readonly unit: Measure["unit"];
}

function differenceOf(baseline: Arm, arm: Arm, arms: readonly Arm[], { set, name, unit }: Named): Difference | null {
  const seeds = seedsOf(arm).filter((seed) => hasMeasure(baseline, seed, set, name));
  if (seeds.length === 0) return null;
  const [a, b] = [tableOf(baseline, set, name, seeds), tableOf(arm, set, name, seeds)];
  const table = b.map((row, s) => row.map((value, i) => value - (a[s]?.[i] ?? Number.NaN)));
  if (table.every((row) => row.every((value) => value === 0)))
    return { mean: 0, low: 0, high: 0, p: null, seeds: seeds.length, adjusted: null, verdict: "same" };
  const pool = pooled(arms, set, name);
  const found = estimated(table, { ...kindOf(unit), ...(pool.freedom >= seeds.length - 1 && { pool }) });
  return { ...found, seeds: seeds.length, adjusted: null, verdict: seeds.length === 1 ? "one-seed" : "open" };
}

/**
 * How seeds spread differences, seen in all arms that were trained from every seed of the baseline: the residual squares of arms by
 * seeds, which are blocks, doubled, as a difference is of two arms. All arms are taken to spread alike, but for those that are the baseline bit for bit.
 */
function pooled([baseline, ...variants]: readonly Arm[], set: Measured["set"], name: string): Pool {
  const seeds = baseline === undefined ? [] : seedsOf(baseline);
  const isOther = (arm: Arm) =>
    seeds.some((seed) => valuesOf(arm, seed, set, name)?.some((value, i) => value !== valuesOf(baseline as Arm, seed, set, name)?.[i]));
  const whole = variants.filter((arm) => seeds.every((seed) => hasMeasure(arm, seed, set, name)) && isOther(arm));
  if (baseline === undefined || whole.length === 0) return { squares: 0, freedom: 0 };
  const rows = [baseline, ...whole].map((arm) => tableOf(arm, set, name, seeds).map(meanOf));
  const [ofArms, all] = [rows.map(meanOf), meanOf(rows.flat())];
  const ofSeeds = seeds.map((_, s) => meanOf(rows.map((row) => row[s] ?? 0)));
  let squares = 0;
  for (const [a, row] of rows.entries())
    for (const [s, value] of row.entries()) squares += (value - (ofArms[a] ?? 0) - (ofSeeds[s] ?? 0) + all) ** 2;
  return { squares: 2 * squares, freedom: whole.length * (seeds.length - 1) };
}

function corrected(all: readonly Judgement[]): readonly Judgement[] {
  const adjusted = new Map<Judgement, number>();
  for (const [family, own] of Object.entries(levels)) {
    const tried = all.filter((one) => one.difference?.verdict === "open" && one.difference.p !== null && familyOf(one) === family);
    for (const [one, p] of holm(tried)) adjusted.set(one, Math.min(1, (p * 0.05) / own));
  }
  return all.map((one) => {
    const p = adjusted.get(one);
    if (one.difference === null || p === undefined) return one;
    const isGood = one.difference.mean > 0 === (one.better === "higher");
    const verdict = p > 0.05 ? "open" : isGood ? "better" : "worse";
    return { ...one, difference: { ...one.difference, adjusted: p, verdict } };
  });
}

function familyOf({ set, unit, better }: Judgement): keyof typeof levels {
  return set === "seen" && unit === "%" && better === "higher" ? "asked" : "other";
}

/** The smallest of n times n, the next times n - 1, none below the one before it. */
function holm(tried: readonly Judgement[]): ReadonlyMap<Judgement, number> {
  const ordered = [...tried].sort((a, b) => (a.difference?.p ?? 1) - (b.difference?.p ?? 1));
  let before = 0;
  return new Map(
    ordered.map((one, i) => {
      before = Math.max(before, (one.difference?.p ?? 1) * (ordered.length - i));
      return [one, before];
    }),
  );
}

const seedsOf = ({ cells }: Arm): readonly number[] => [...cells.keys()].sort((a, b) => a - b);

function valuesOf({ cells }: Arm, seed: number, set: Measured["set"], name: string): readonly number[] | undefined {
  return cells
    .get(seed)
    ?.find((one) => one.set === set)
    ?.measures.find((one) => one.name === name)?.values;
}

const hasMeasure = (...of: Parameters<typeof valuesOf>): boolean => valuesOf(...of) !== undefined;

function tableOf(arm: Arm, set: Measured["set"], name: string, seeds: readonly number[]): Table {
  return seeds.map((seed) => {
    const values = valuesOf(arm, seed, set, name);
    if (values === undefined) throw new Error(`study: ${arm.name} has no ${name} of ${set} for seed ${seed}`);
    return values;
  });
}

/** Shares that were all alike have no spread of their own, though the next clip may differ: at least what one clip in two thousand gives. */
function kindOf(unit: Measure["unit"]): EstimateOptions {
  return unit === "%" ? { kind: "shares", least: 1 / 2000 } : { kind: "other" };
}

function withinShares({ mean, low, high, p }: Estimate): Estimate {
  return { mean, low: low === null ? null : Math.max(0, low), high: high === null ? null : Math.min(1, high), p };
}
