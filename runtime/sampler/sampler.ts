/** The manifest's sampler to the steps that the loop takes. */

import type { Method, SamplerSpec } from "../../compiler/package/manifest.ts";
import { ddim } from "./ddim.ts";
import { dpmSolver } from "./dpm-solver.ts";
import { euler } from "./euler.ts";
import { alphaBars, type Level, leadingLevels, trailingLevels } from "./schedule.ts";
import type { Solver } from "./solver.ts";
import type { Trajectory } from "./step.ts";

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

/**
 * The way from the noisiest level to the last; `from` leaves out the first so many levels, as a clip does that begins with a latent
 * brought to `start`. `steps` is an integer in 1..trainSteps, `from` in 0..steps - 1.
 */
export function trajectory(options: StepOptions, from = 0): Trajectory {
  const { levels, solve } = samplers[options.method];
  const bars = alphaBars(options.schedule, options.betas, options.trainSteps);
  const visited = levels(bars, options.steps, options.schedule).slice(from);
  const [start] = visited;
  if (start === undefined) throw new Error(`sampler: level ${from} is beyond ${options.steps} steps`);
  return { start, steps: solve(visited, options) };
}
