/** The figures of a sampler to those of them that change what it does: what is said of others would be said in vain. */

import { type MethodRow, methodRows } from "./methods.ts";
import type { SampledFigures, SamplerFigures } from "./sampler-figures.ts";

interface Reading {
  readonly figures: SamplerFigures;
  readonly row: MethodRow;
  /** Whether times or σ are given one by one. */
  readonly listed: boolean;
  readonly isFlow: boolean;
}

const always = () => true;
const of =
  (...methods: readonly string[]) =>
  ({ figures }: Reading) =>
    methods.includes(figures.method);
/** Whether levels are found by times of the training. */
const byTimes = ({ figures, row, listed, isFlow }: Reading) =>
  !isFlow && !listed && row.times !== "distilled" && (figures.sigmas === null || row.times === "points");

const readers: { readonly [F in keyof SampledFigures]: (reading: Reading) => boolean } = {
  method: always,
  steps: always,
  timesteps: always,
  sigmas: always,
  clip: always,
  threshold: always,
  eta: of("ddim"),
  // Also how a clip begins.
  spacing: (reading) => byTimes(reading) || (reading.row.times === "points" && !reading.isFlow),
  stepsOffset: (reading) => byTimes(reading) && (reading.figures.spacing ?? reading.row.spacing) === "leading",
  sigmaMin: ({ figures }) => typeof figures.sigmas === "string",
  sigmaMax: ({ figures }) => typeof figures.sigmas === "string",
  interpolation: (reading) => byTimes(reading) && reading.row.times !== "table",
  final: ({ row }) => row.times !== "distilled",
  shift: ({ figures, isFlow }) => isFlow && figures.mu === null,
  mu: ({ isFlow }) => isFlow,
  timeShift: ({ figures }) => figures.mu !== null,
  shiftTerminal: ({ isFlow }) => isFlow,
  sampleMax: ({ figures }) => figures.threshold !== null,
  variance: of("ddpm"),
  algorithm: of("dpm-multistep", "dpm-singlestep"),
  order: ({ row }) => row.order !== undefined,
  solverType: ({ row }) => row.solverTypes !== undefined,
  lowerOrderFinal: ({ row }) => row.times === "intervals",
  eulerAtFinal: of("dpm-multistep", "dpm++2m", "dpm++2m-sde", "dpm++3m"),
  lambdaMin: (reading) => byTimes(reading) && reading.row.times !== "table",
  predictX0: of("unipc"),
  disableCorrector: of("unipc"),
  skipPrk: of("pndm"),
  originalSteps: of("lcm"),
  timestepScaling: of("lcm"),
};

/** The first of the said figures that nothing reads, unless it says what holds anyway. `figures` are those that are sampled with. */
export function saidInVain(said: Partial<SampledFigures>, own: SamplerFigures, figures: SamplerFigures): keyof SampledFigures | undefined {
  const reading: Reading = {
    figures,
    row: methodRows[figures.method],
    listed: figures.timesteps !== null || Array.isArray(figures.sigmas),
    isFlow: figures.schedule === "flow",
  };
  const names = Object.keys(said) as readonly (keyof SampledFigures)[];
  return names.find((name) => said[name] !== undefined && said[name] !== own[name] && !readers[name](reading));
}
