/** The figures of a stage of training to what is wrong with them: one rule each. */

import { type Decay, type Density, decays, densities, optimizers, type TrainFigureName, trainFigures } from "../../../dsl/training.ts";
import { isNumber, oneOf, orNull, positive, type Rule, upToOne, whole, yesOrNo } from "../../package/figure-rules.ts";

/** Figures as they come: of any type. */
export type LooseTrainFigures = { readonly [F in TrainFigureName]: unknown };

export interface TrainFigures {
  readonly when: boolean;
  readonly optimizer: "adamw";
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly warmup: number;
  readonly decay: Decay;
  readonly finalRate: number;
  readonly clipNorm: number | null;
  readonly ema: number | null;
  readonly levels: Density;
  readonly levelPower: number;
  readonly stills: number;
  readonly batch: number;
  readonly steps: number;
}

const belowOne = (value: unknown): boolean => isNumber(value) && value >= 0 && value < 1;

/** A longer run is a slip of the keys. */
const mostSteps = 1_000_000_000;
const mostBatch = 65_536;

/** What a rate or a decay is multiplied by. */
export const factor: Rule = { holds: (value) => isNumber(value) && value >= 0, expected: "a number from 0" };

/** What each figure must be, in the order in which faults are told. */
function rulesFor({ steps, decay }: LooseTrainFigures): { readonly [F in TrainFigureName]: Rule } {
  const run = whole(1, mostSteps);
  return {
    when: yesOrNo,
    optimizer: oneOf(optimizers),
    learningRate: positive,
    betas: {
      holds: (value) => Array.isArray(value) && value.length === 2 && value.every(belowOne),
      expected: "two numbers from 0 to below 1",
    },
    eps: positive,
    weightDecay: factor,
    steps: run,
    warmup: whole(0, run.holds(steps) ? (steps as number) : mostSteps),
    decay: oneOf(decays),
    finalRate: decay === "constant" ? { holds: (value) => value === 0, expected: 'left out with `decay: "constant"`' } : upToOne,
    clipNorm: orNull(positive),
    ema: orNull({ holds: belowOne, expected: "a number from 0 to below 1" }),
    levels: oneOf(densities),
    levelPower: positive,
    stills: upToOne,
    batch: whole(1, mostBatch),
  };
}

export interface TrainFigureFault {
  readonly figure: TrainFigureName;
  readonly expected: string;
  readonly found: unknown;
}

/** Every figure that is not what it must be. */
export function trainFigureFaults(figures: LooseTrainFigures): readonly TrainFigureFault[] {
  const rules = Object.entries(rulesFor(figures)) as readonly (readonly [TrainFigureName, Rule])[];
  return rules.flatMap(([figure, { holds, expected }]) => (holds(figures[figure]) ? [] : [{ figure, expected, found: figures[figure] }]));
}

/** What is given, and the defaults of what is not; undefined where a figure has none. */
export function withTrainDefaults(given: { readonly [F in TrainFigureName]?: unknown }): LooseTrainFigures {
  const entries = Object.entries(trainFigures).map(([name, figure]) => {
    const own = given[name as TrainFigureName];
    return [name, own === undefined && "default" in figure ? figure.default : own];
  });
  return Object.fromEntries(entries) as LooseTrainFigures;
}
