/** The cells of a study and what is known of its variants to the report: plain data, the same for the same cells. */

import type { CellResult, StageRecord } from "./cell.ts";
import { seedScales } from "./estimate.ts";
import type { CellFailure } from "./failure.ts";
import { type Judgement, judged, levels } from "./judgement.ts";
import { meanOf } from "./moments.ts";
import { readJson } from "./read-json.ts";
import type { Variant } from "./variant.ts";

export interface StudyFacts {
  readonly file: string;
  readonly model: string;
  readonly preset: string | null;
  readonly settings: { readonly [name: string]: unknown };
  readonly data: string;
  readonly engine: string;
  /** Of each stage of every cell. */
  readonly steps: { readonly [stage: string]: number };
  /** That the steps were counted by, on the baseline; null where steps were given. */
  readonly minutes: number | null;
  /** That all trainings started from, by SHA-256; null of random ones. */
  readonly weights: string | null;
  /** Prompts of each set, and noises of each prompt: none where no clips are sampled. */
  readonly prompts: number;
  readonly noises: number;
}

export interface VariantCells {
  readonly about: Variant;
  readonly cells: readonly CellResult[];
  readonly failures: readonly CellFailure[];
}

export interface VariantReport extends Variant {
  readonly cells: readonly {
    readonly seed: number;
    readonly seconds: number;
    readonly stages: readonly StageRecord[];
  }[];
  /** Seeds whose numbers were not finite, which have no figures. */
  readonly failures: readonly { readonly seed: number; readonly reason: string }[];
  /** Of the last stage that minimises one: the mean over seeds, the least and the largest of them; null where there is none. */
  readonly loss: { readonly stage: string; readonly mean: number; readonly least: number; readonly most: number } | null;
  /** Of that stage, the least of its cells: what else the machine did makes a step longer, never shorter. */
  readonly secondsPerStep: number | null;
  readonly measures: readonly Judgement[];
}

export interface StudyReport extends StudyFacts {
  readonly format: "mvc-study-report";
  /** How often a study of models that are all alike may call anything real; `asked` of whether clips show what their prompts say. */
  readonly levels: typeof levels;
  /** What is believed of how much a seed moves a mean, as shares of the deviation between clips. */
  readonly seedScales: typeof seedScales;
  readonly variants: readonly VariantReport[];
}

/** Undefined where the text is no report's. */
export function parseReport(text: string): StudyReport | undefined {
  return readJson(text, ({ format, variants }: StudyReport) => format === "mvc-study-report" && Array.isArray(variants));
}

/** The baseline is the first. */
export function reportOf(facts: StudyFacts, variants: readonly VariantCells[]): StudyReport {
  const arms = variants.map(({ about, cells }) => ({
    name: about.name,
    cells: new Map(cells.map(({ seed, measured }) => [seed, measured])),
  }));
  const [baseline, ...others] = arms;
  if (baseline === undefined) throw new Error("study: a report of no variants");
  const all = judged(baseline, others);
  return {
    format: "mvc-study-report",
    ...facts,
    levels,
    seedScales,
    variants: variants.map(({ about, cells, failures }): VariantReport => {
      const last = lastLosses(cells);
      const losses = last.flatMap(({ loss }) => loss ?? []);
      const times = last.flatMap(({ secondsPerStep }) => secondsPerStep ?? []);
      return {
        ...about,
        cells: cells.map(({ seed, seconds, stages }) => ({ seed, seconds, stages })),
        failures: failures.map(({ seed, reason }) => ({ seed, reason })),
        loss:
          losses.length === 0
            ? null
            : { stage: last[0]?.name ?? "", mean: short(meanOf(losses)), least: Math.min(...losses), most: Math.max(...losses) },
        secondsPerStep: times.length === 0 ? null : Math.min(...times),
        measures: all.filter(({ variant }) => variant === about.name).map(shortened),
      };
    }),
  };
}

function lastLosses(cells: readonly CellResult[]): readonly StageRecord[] {
  return cells.flatMap(({ stages }) => stages.filter(({ loss }) => loss !== null).at(-1) ?? []);
}

/** No more digits than say something: engines may differ in the last. */
function shortened(judgement: Judgement): Judgement {
  const { own, difference } = judgement;
  const ends = ({ mean, low, high, p }: Judgement["own"]) => ({ mean: short(mean), low: shortOr(low), high: shortOr(high), p: shortOr(p) });
  return {
    ...judgement,
    own: ends(own),
    difference: difference && { ...difference, ...ends(difference), adjusted: shortOr(difference.adjusted) },
  };
}

const short = (value: number): number => Number(value.toPrecision(5));
const shortOr = (value: number | null): number | null => (value === null ? null : short(value));
