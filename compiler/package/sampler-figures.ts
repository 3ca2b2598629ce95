/** The figures of a sampler to what is wrong with them: one rule each, for the language, packages and callers alike. */

import {
  type Algorithm,
  algorithms,
  type Figure,
  type FigureName,
  type Final,
  figures as figureTable,
  finals,
  type Interpolation,
  interpolations,
  type Method,
  methods,
  type Prediction,
  predictions,
  type Schedule,
  type SolverType,
  type Spacing,
  type Spread,
  schedules,
  solverTypes,
  spacings,
  spreads,
  type TimeShift,
  type TimestepType,
  timeShifts,
  timestepTypes,
  type Variance,
  variances,
} from "../../dsl/sampling.ts";
import { finite, isNumber, oneOf, orNull, positive, type Rule, upToOne, whole, yesOrNo } from "./figure-rules.ts";
import { type MethodRow, methodRows } from "./methods.ts";

export type { Algorithm, Method, Spread } from "../../dsl/sampling.ts";

export interface SamplerFigures {
  readonly method: Method;
  /** Levels that are visited before the last one; a method may run the network more often. */
  readonly steps: number;
  /** Classifier-free guidance: u + guidance (c − u). */
  readonly guidance: number;
  readonly predicts: Prediction;
  readonly schedule: Schedule;
  /** First and last beta of the linear and sigmoid schedules, all of a trained one; unused by the others. */
  readonly betas: readonly number[];
  readonly trainSteps: number;
  /** Betas rescaled so that the last level is pure noise (Lin et al., 2023, algorithm 1). */
  readonly zeroSnr: boolean;
  /** What the network is told: a time of the training, or a quarter of the log of σ (Karras et al., 2022). */
  readonly timestepType: TimestepType;
  /** DDIM's noise: 0 deterministic, 1 ancestral. */
  readonly eta: number;
  /** How times are spaced; null as the method is known to. */
  readonly spacing: Spacing | null;
  /** Added to leading times. */
  readonly stepsOffset: number;
  /** The visited times themselves, falling. */
  readonly timesteps: readonly number[] | null;
  /** How σ is spread between `sigmaMax` and `sigmaMin`, or the visited σ themselves, falling; null: as the times have it. */
  readonly sigmas: Spread | readonly number[] | null;
  readonly sigmaMin: number | null;
  readonly sigmaMax: number | null;
  /** How σ goes between the first and the last of evenly spaced times. */
  readonly interpolation: Interpolation;
  /** Null as the method is known to. */
  readonly final: Final | null;
  /** Of flow matching: σ becomes shift σ / (1 + (shift − 1) σ). */
  readonly shift: number;
  /** Of flow matching, in `shift`'s place: σ becomes m / (m + 1 / σ − 1), where m is e^mu, or mu itself for a linear `timeShift`. */
  readonly mu: number | null;
  readonly timeShift: TimeShift;
  /** Of flow matching: σ are stretched so that the last visited one is this. */
  readonly shiftTerminal: number | null;
  /** Predictions of the clean latent are clamped to ±clip. */
  readonly clip: number | null;
  /** Dynamic thresholding by this quantile (Saharia et al., 2022), and the most that it may be. */
  readonly threshold: number | null;
  readonly sampleMax: number;
  /** Of DDPM's noise. */
  readonly variance: Variance;
  /** Null as the method is known to. */
  readonly algorithm: Algorithm | null;
  /** Null as the method is known to. */
  readonly order: number | null;
  readonly solverType: SolverType | null;
  /** Lower orders in the last of fewer than 15 steps; of UniPC and singlestep methods of any number. */
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  /** Times at which half the log of the signal-to-noise ratio is lower are not visited. */
  readonly lambdaMin: number | null;
  /** Whether UniPC goes by the clean latent, or by the noise. */
  readonly predictX0: boolean;
  /** Steps, counted from 0, after which UniPC does not correct. */
  readonly disableCorrector: readonly number[];
  /** Whether PNDM begins without its Runge-Kutta steps (PLMS). */
  readonly skipPrk: boolean;
  /** Steps that an LCM was distilled from. */
  readonly originalSteps: number;
  /** By which an LCM's time is multiplied in its boundary condition. */
  readonly timestepScaling: number;
}

export interface FigureFault {
  readonly figure: FigureName;
  /** What it must be, in words. */
  readonly expected: string;
  readonly found: unknown;
}

/** What a caller may say in place of the model's own, beside guidance, which is more than a number; the other figures tell of the training. */
export type SampledFigures = Omit<
  SamplerFigures,
  "guidance" | "predicts" | "schedule" | "betas" | "trainSteps" | "zeroSnr" | "timestepType"
>;

/** Their names. */
export const sampledFigures = (Object.entries(figureTable) as readonly (readonly [FigureName, Figure])[])
  .filter(([name, { trained }]) => trained !== true && name !== "guidance")
  .map(([name]) => name as keyof SampledFigures);

/** Figures as they come: of any type. */
export type LooseFigures = { readonly [F in FigureName]: unknown };

/** A longer schedule is a slip of the keys: its table alone would take a second to make. */
const mostTrainSteps = 100_000;

const none = (why: string): Rule => ({ holds: (value) => value === null, expected: `left out ${why}` });

const falling = (holds: (value: number) => boolean, what: string): Rule => ({
  holds: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((one, i) => isNumber(one) && holds(one) && (i === 0 || one < value[i - 1])),
  expected: `a falling list of ${what}`,
});
const rise: Rule = {
  holds: (value) => {
    if (!Array.isArray(value) || value.length !== 2) return false;
    const [first, last] = value;
    return isNumber(first) && isNumber(last) && first > 0 && first <= last && last < 1;
  },
  expected: "two rising numbers between 0 and 1",
};

/** What each figure must be, in the order in which faults are told: the training's steps bound the sampler's. */
function rulesFor(given: LooseFigures): { readonly [F in FigureName]: Rule } {
  const trained = whole(1, mostTrainSteps);
  const trainSteps = trained.holds(given.trainSteps) ? (given.trainSteps as number) : mostTrainSteps;
  const row = methodRows[(oneOf(methods).holds(given.method) ? given.method : "ddim") as Method];
  const named = `with ${JSON.stringify(given.method)}`;
  const isFlow = given.schedule === "flow";
  const listed = Array.isArray(given.timesteps) ? "timesteps" : Array.isArray(given.sigmas) ? "sigmas" : undefined;
  const length = listed === undefined ? 0 : (given[listed] as readonly unknown[]).length;
  const byTable = row.times === "table" || row.times === "distilled";
  return {
    method: oneOf(isFlow ? methods.filter((method) => methodRows[method].flow) : methods),
    predicts: oneOf(isFlow ? ["flow", "sample"] : predictions.filter((word) => word !== "flow")),
    schedule: oneOf(schedules),
    trainSteps: trained,
    steps: listed === undefined ? whole(1, stepsAtMost(given, row, trainSteps)) : lengthOf(listed, length),
    guidance: finite,
    betas: betasFor(given.schedule, trainSteps),
    zeroSnr: isFlow ? { holds: (value) => value === false, expected: "false for flow matching" } : zeroSnrFor(given, byTable),
    timestepType: isFlow || byTable ? oneOf(["discrete"]) : oneOf(timestepTypes),
    eta: upToOne,
    spacing: orNull(oneOf(row.spacings ?? spacings)),
    stepsOffset: whole(0, trainSteps),
    timesteps: row.times === "distilled" || !row.listable ? none(named) : orNull(timesFor(isFlow, trainSteps, row)),
    sigmas: byTable
      ? none(`${named}, which goes by times`)
      : given.timesteps !== null
        ? none("where `timesteps` are given")
        : orNull(sigmasFor(isFlow)),
    sigmaMin: orNull(positive),
    sigmaMax: orNull({
      holds: (value) => isNumber(value) && value > (isNumber(given.sigmaMin) ? given.sigmaMin : 0),
      expected: "a number above `sigmaMin`",
    }),
    interpolation: byTable ? oneOf(["linear"]) : oneOf(interpolations),
    final: orNull(given.method !== "ddpm" && goesByNoise(given, row) ? oneOf(["sigma-min"]) : oneOf(finals)),
    shift: positive,
    mu: isFlow ? orNull(given.timeShift === "linear" ? positive : finite) : none("but for flow matching"),
    timeShift: oneOf(timeShifts),
    shiftTerminal: isFlow
      ? orNull({ holds: (value) => isNumber(value) && value > 0 && value < 1, expected: "a number between 0 and 1" })
      : none("but for flow matching"),
    clip: row.limits ? orNull(positive) : none(named),
    threshold: given.clip !== null ? none("where `clip` is given") : row.limits ? orNull(upToOne) : none(named),
    sampleMax: positive,
    variance: oneOf(variances),
    algorithm: orNull(oneOf(row.algorithms ?? algorithms)),
    order: orNull(orderFor(given, row)),
    solverType: orNull(oneOf(row.solverTypes ?? solverTypes)),
    lowerOrderFinal: yesOrNo,
    eulerAtFinal: yesOrNo,
    lambdaMin: orNull(finite),
    predictX0: yesOrNo,
    disableCorrector: {
      holds: (value) => Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0),
      expected: "a list of whole numbers from 0",
    },
    skipPrk: yesOrNo,
    originalSteps: whole(1, row.times === "distilled" ? trainSteps : mostTrainSteps),
    timestepScaling: positive,
  };
}

const lengthOf = (list: string, length: number): Rule => ({
  holds: (value) => value === length,
  expected: `${length}, the number of its \`${list}\``,
});

function stepsAtMost({ originalSteps }: LooseFigures, { times }: MethodRow, trainSteps: number): number {
  return times === "distilled" && whole(1, trainSteps).holds(originalSteps) ? (originalSteps as number) : trainSteps;
}

function betasFor(schedule: unknown, trainSteps: number): Rule {
  if (schedule === "linear" || schedule === "scaled-linear" || schedule === "sigmoid") return rise;
  if (schedule !== "trained") return { ...rise, holds: (value) => rise.holds(value) || (Array.isArray(value) && value.length === 0) };
  return {
    holds: (value) => Array.isArray(value) && value.length === trainSteps && value.every((beta) => isNumber(beta) && beta > 0 && beta < 1),
    expected: `${trainSteps} numbers between 0 and 1, one for each of \`trainSteps\``,
  };
}

function orderFor({ method, algorithm }: LooseFigures, { orders = [1, 4] }: MethodRow): Rule {
  const [least, most] = orders;
  if (least === most) return { holds: (value) => value === least, expected: `${least} with ${JSON.stringify(method)}` };
  return whole(least, algorithm === "sde-dpmsolver" ? 2 : most);
}

/** At pure noise the noise says nothing of the clean latent. */
function zeroSnrFor({ predicts }: LooseFigures, byTable: boolean): Rule {
  if (!byTable || predicts !== "epsilon") return yesOrNo;
  return { holds: (value) => value === false, expected: 'false for a model that predicts "epsilon": at pure noise that says nothing' };
}

function timesFor(isFlow: boolean, trainSteps: number, { times }: MethodRow): Rule {
  if (isFlow) return falling((time) => time > 0 && time <= trainSteps, `numbers above 0, at most ${trainSteps}`);
  const inTable = (time: number) => time >= 0 && time < trainSteps && (times === "points" || Number.isInteger(time));
  return falling(inTable, `${times === "points" ? "numbers" : "whole numbers"} from 0 to ${trainSteps - 1}`);
}

function sigmasFor(isFlow: boolean): Rule {
  const words = isFlow ? spreads.filter((word) => word !== "lu") : spreads;
  const list = falling((sigma) => sigma > 0 && (!isFlow || sigma <= 1), isFlow ? "numbers above 0, at most 1" : "numbers above 0");
  return { holds: (value) => oneOf(words).holds(value) || list.holds(value), expected: `${oneOf(words).expected}, or ${list.expected}` };
}

/** What goes by the noise never reaches the clean latent: that is infinitely far. */
function goesByNoise({ algorithm, predictX0, method }: LooseFigures, { algorithms: fixed }: MethodRow): boolean {
  if (method === "unipc") return predictX0 === false;
  return fixed !== undefined && fixed.length > 1 && (algorithm === "dpmsolver" || algorithm === "sde-dpmsolver");
}

/** Every figure that is not what it must be. */
export function figureFaults(figures: LooseFigures): readonly FigureFault[] {
  const rules = Object.entries(rulesFor(figures)) as readonly (readonly [FigureName, Rule])[];
  return rules.flatMap(([figure, { holds, expected }]) => (holds(figures[figure]) ? [] : [{ figure, expected, found: figures[figure] }]));
}

/**
 * A model's figures with those that a caller says in their place. A list of times or σ decides the number of steps, and gives way to
 * another number or list; what is special to the model's method is left to another method's own.
 */
export function chosenFigures(own: SamplerFigures, said: Partial<SampledFigures>): SamplerFigures {
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as Partial<SampledFigures>;
  const listed = given.timesteps ?? (Array.isArray(given.sigmas) ? given.sigmas : null);
  const ownLists = { timesteps: null, sigmas: Array.isArray(own.sigmas) ? null : own.sigmas };
  const free = given.steps !== undefined || given.sigmas !== undefined ? ownLists : given.timesteps ? { ...ownLists, sigmas: null } : {};
  const other = given.method !== undefined && given.method !== own.method;
  const plain = other ? { algorithm: null, order: null, solverType: null, spacing: null, final: null } : {};
  return { ...own, ...free, ...plain, ...(listed === null ? {} : { steps: (listed as readonly unknown[]).length }), ...given };
}

/** What is given, and the defaults of what is not; undefined where a figure has none. */
export function withDefaults(given: { readonly [F in FigureName]?: unknown }): LooseFigures {
  const entries = Object.entries(figureTable) as readonly (readonly [FigureName, Figure])[];
  return Object.fromEntries(
    entries.map(([name, { default: usual }]) => [name, given[name] === undefined ? usual : given[name]]),
  ) as LooseFigures;
}
