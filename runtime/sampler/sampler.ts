/** The manifest's sampler to the list of steps that the loop takes. */

import type { Method, SamplerSpec } from "../../compiler/package/manifest.ts";
import { ddim } from "./ddim.ts";
import { dpmSolver } from "./dpm-solver.ts";
import { euler } from "./euler.ts";
import { alphaBars, type Level, leadingLevels, trailingLevels } from "./schedule.ts";
import type { SamplerStep, Solver } from "./step.ts";

export type StepOptions = Pick<SamplerSpec, "method" | "steps" | "predicts" | "schedule" | "betas" | "trainSteps" | "eta">;

export interface Sampler {
  readonly levels: (bars: Float64Array, steps: number, schedule: SamplerSpec["schedule"]) => readonly Level[];
  readonly solve: Solver;
}

/** Stable Diffusion's schedule ends short of pure noise, and its DDIM starts and stops as CompVis's and diffusers' do; the cosine one reaches both ends. */
export const samplers: { readonly [M in Method]: Sampler } = {
  ddim: { levels: (bars, steps, schedule) => (schedule === "cosine" ? trailingLevels : leadingLevels)(bars, steps), solve: ddim },
  "dpm++2m": { levels: trailingLevels, solve: dpmSolver },
  euler: { levels: trailingLevels, solve: euler },
};

/** One entry a step, the first from pure noise of variance one. `steps` is an integer in 1..trainSteps. */
export function samplerSteps(options: StepOptions): readonly SamplerStep[] {
  const { levels, solve } = samplers[options.method];
  const bars = alphaBars(options.schedule, options.betas, options.trainSteps);
  return solve(levels(bars, options.steps, options.schedule), options.predicts, options.eta);
}
