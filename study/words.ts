/** Figures of a study to the words and numbers that its pages and tables show them by. */

import type { Difference, Judgement } from "./judgement.ts";
import type { StudyReport, VariantReport } from "./report.ts";

export type Unit = Judgement["unit"];

/** Without the unit. */
export function digits(value: number, unit: Unit, like = value): string {
  if (unit === "%") return (100 * value).toFixed(1);
  if (unit !== "") return value.toFixed(2);
  const size = like === 0 || !Number.isFinite(like) ? 0 : Math.floor(Math.log10(Math.abs(like)));
  return value.toFixed(Math.min(12, Math.max(0, 2 - size)));
}

/** `81.2 ± 2.1`, with half of the interval, where there is one. */
export function withHalf(
  { mean, low, high }: Pick<Judgement["own"], "mean" | "low" | "high">,
  unit: Unit,
): readonly [mean: string, half: string] {
  return [digits(mean, unit), low === null || high === null ? "" : `± ${digits((high - low) / 2, unit, mean)}`];
}

/** `81.2 %`, `24.31 dB`, `0.0123`. */
export const shownValue = (value: number, unit: Unit): string => `${digits(value, unit)}${unitBehind(unit)}`;

/** With its sign; of shares in points. */
export function shownDifference(value: number, unit: Unit, like = value): string {
  return `${signed(value, unit, like)}${unit === "%" ? " points" : unitBehind(unit)}`;
}

/** Without the unit. */
export function signed(value: number, unit: Unit, like: number): string {
  const text = digits(Math.abs(value), unit, like);
  return Number(text) === 0 ? "0" : `${value < 0 ? "−" : "+"}${text}`;
}

const unitBehind = (unit: Unit): string => (unit === "" || unit === "°" ? unit : ` ${unit}`);

export const shownVerdict: { readonly [V in Difference["verdict"]]: string } = {
  better: "better",
  worse: "worse",
  open: "may be chance",
  "one-seed": "one seed: cannot be called",
  same: "the same clips",
};

/** `1.24 M`. */
export function shownCount(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} M`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(1)} k` : String(count);
}

export const shownGiga = (flops: number): string => (flops === 0 ? "0" : (flops / 1e9).toPrecision(3));
export const shownMebi = (bytes: number): string => (bytes / 2 ** 20).toPrecision(3);

export function shownTime(seconds: number): string {
  if (seconds >= 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return seconds >= 60
    ? `${(seconds / 60).toFixed(1)} min`
    : seconds >= 1
      ? `${seconds.toFixed(1)} s`
      : `${(1000 * seconds).toFixed(0)} ms`;
}

/** `3`, and where some failed how many: `2, 1 failed`. */
export function shownSeeds({ cells, failures }: Pick<VariantReport, "cells" | "failures">): string {
  return failures.length === 0 ? String(cells.length) : `${cells.length}, ${failures.length} failed`;
}

/** A model and how it was trained, in one line. */
export function titleOf({ model, preset }: StudyReport): string {
  return `Ablations of ${model}${preset === null ? "" : `, preset ${preset}`}`;
}

export function setupOf({ data, steps, minutes, weights, prompts, noises, variants }: StudyReport): string {
  const stages = Object.entries(steps).map(([stage, count]) => `${stage} ${count.toLocaleString("en")}`);
  const counts = variants.map(({ cells, failures }) => cells.length + failures.length);
  const seeds = [...new Set(counts)].sort((a, b) => a - b);
  const trained = seeds.length === 1 ? `${seeds[0]} ${seeds[0] === 1 ? "seed" : "seeds"}` : `${seeds[0]} to ${seeds.at(-1)} seeds`;
  const isHeldOut = variants[0]?.measures.some(({ set }) => set === "held-out") ?? false;
  const counted = minutes === null ? "" : ` (what ${minutes} minutes bought the baseline)`;
  const from =
    weights === null ? "" : ` All started from the weights of SHA-256 ${weights.slice(0, 12)}…, and from random ones where those lack any.`;
  const measured = noises === 0 ? `${prompts} clips as the autoencoder gives them back` : `${prompts} prompts with ${noises} noises each`;
  return `Trained on ${data} from ${trained} each, by the same clips, noise and steps: ${stages.join(", ")}${counted}.${from} Measured on ${measured}${isHeldOut ? ", of seen and of held-out combinations" : ""}.`;
}

export interface Finding {
  readonly verdict: "better" | "worse";
  /** `direction (−30.2 points; held-out −28.1 points)`, the strongest first. */
  readonly texts: readonly string[];
}

/** Differences of a variant that were called. */
export function findingsOf({ measures }: VariantReport, baseline: VariantReport): readonly Finding[] {
  return (["worse", "better"] as const).flatMap((verdict) => {
    const called = measures
      .filter(({ difference }) => difference?.verdict === verdict)
      .sort((a, b) => (a.difference?.adjusted ?? 1) - (b.difference?.adjusted ?? 1));
    const texts = [...new Set(called.map(({ measure }) => measure))].map((name) => {
      const parts = called.flatMap(({ measure, set, unit, difference }) => {
        if (measure !== name || difference === null) return [];
        const like = baseline.measures.find((one) => one.set === set && one.measure === name)?.own.mean;
        return [{ set, text: `${set === "held-out" ? "held-out " : ""}${shownDifference(difference.mean, unit, like)}` }];
      });
      const ordered = parts.sort((a, b) => Number(a.set === "held-out") - Number(b.set === "held-out"));
      return `${name} (${ordered.map(({ text }) => text).join("; ")})`;
    });
    return texts.length === 0 ? [] : [{ verdict, texts }];
  });
}

/** What the study does not tell. */
export function limitsOf(report: StudyReport): readonly string[] {
  const { variants, seedScales, minutes } = report;
  const points = (scale: number) => Number((100 * scale * (scale === seedScales.shares ? 0.4 : 1)).toFixed(1));
  const single = variants.filter(({ cells, change }) => change !== null && cells.length === 1).map(({ name }) => name);
  const largest = Math.max(...variants.map(({ cells }) => cells.length));
  return [
    ...variants.flatMap(({ name, cells, failures }) => {
      const told = failures.map(({ seed, reason }) => `${name} failed from seed ${seed}: ${reason}.`);
      return told.length === 0 || cells.length === 0 ? told : [...told, `${name}: its figures are of the seeds that did not fail alone.`];
    }),
    ...(single.length > 0
      ? [
          `${single.join(", ")}: trained from one seed. How much another seed would differ is not known, so no difference of theirs is called real.`,
        ]
      : []),
    `How much training from another seed moves a figure can hardly be learnt from ${largest === 1 ? "one seed" : `${largest} seeds`}. Before they are looked at it is believed to be about ${points(seedScales.shares)} points of a share of 80 %, and ${points(seedScales.other)} % of the deviation between clips of other figures; seeds that differ more are believed. In simulated studies of two models that are alike, from three seeds, that could be trusted while a seed moves a share by up to two points (4 % of them called anything); by three points 13 % did, and of four models by ten points a fifth. Seeds of trainings too short to have settled may differ by more.`,
    "A difference that is not called is not shown to be none: its interval says how large it may be.",
    "Intervals hold 95 % each, by themselves. What is called real is corrected for the number of comparisons: all variants alike, the study would call anything in at most 5 % of cases, 4 % for whether clips of seen combinations show what was asked, 1 % for all else together.",
    `Every variant took the same steps${minutes === null ? "" : ", those that the baseline's minutes bought"}, not the same time: a slower variant had more time, which the table of costs shows.`,
    "Rates, schedules and sizes were chosen for the baseline; a variant that needs others is put at a disadvantage.",
    "Prompts and noises are a sample. Other data, sizes and lengths of training may rank the variants differently.",
  ];
}
