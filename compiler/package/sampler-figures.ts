/** The figures of a sampler to what is wrong with them: one rule each, for the language, packages and callers alike. */

import { type Method, methods, type Prediction, predictions, type Schedule, schedules } from "../../dsl/sampling.ts";

export interface SamplerFigures {
  readonly method: Method;
  readonly steps: number;
  /** Classifier-free guidance: u + guidance (c − u). */
  readonly guidance: number;
  readonly predicts: Prediction;
  readonly schedule: Schedule;
  /** First and last beta of the linear schedules; unused by the cosine one. */
  readonly betas: readonly [number, number];
  readonly trainSteps: number;
  /** DDIM's noise: 0 deterministic, 1 ancestral. */
  readonly eta: number;
}

export interface FigureFault {
  readonly figure: keyof SamplerFigures;
  /** What it must be, in words. */
  readonly expected: string;
  readonly found: unknown;
}

/** A longer schedule is a slip of the keys: its table alone would take a second to make. */
const mostTrainSteps = 100_000;

interface Rule {
  readonly holds: (value: unknown) => boolean;
  readonly expected: string;
}

const oneOf = (words: readonly string[]): Rule => ({
  holds: (value) => words.some((word) => word === value),
  expected: `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`,
});

const wholeUpTo = (most: number): Rule => ({
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most,
  expected: `a whole number from 1 to ${most}`,
});

const rise = (value: unknown): boolean => {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [first, last] = value;
  return typeof first === "number" && typeof last === "number" && first > 0 && first <= last && last < 1;
};

/** What each figure must be, in the order in which faults are told: the training's steps bound the sampler's. */
function rulesFor(trainSteps: unknown): { readonly [F in keyof SamplerFigures]: Rule } {
  const trained = wholeUpTo(mostTrainSteps);
  return {
    method: oneOf(methods),
    predicts: oneOf(predictions),
    schedule: oneOf(schedules),
    trainSteps: trained,
    steps: wholeUpTo(trained.holds(trainSteps) ? (trainSteps as number) : mostTrainSteps),
    guidance: { holds: Number.isFinite, expected: "a finite number" },
    betas: { holds: rise, expected: "two rising numbers between 0 and 1" },
    eta: { holds: (value) => typeof value === "number" && value >= 0 && value <= 1, expected: "a number from 0 to 1" },
  };
}

/** Every figure that is not what it must be. */
export function figureFaults(figures: { readonly [F in keyof SamplerFigures]: unknown }): readonly FigureFault[] {
  const rules = Object.entries(rulesFor(figures.trainSteps)) as readonly (readonly [keyof SamplerFigures, Rule])[];
  return rules.flatMap(([figure, { holds, expected }]) => (holds(figures[figure]) ? [] : [{ figure, expected, found: figures[figure] }]));
}
