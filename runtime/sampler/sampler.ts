/** The figures of a sampler to the steps that the loop takes. */

import { methodRows } from "../../compiler/package/methods.ts";
import type { Method, SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import { ddim } from "./ddim.ts";
import { ddpm } from "./ddpm.ts";
import { dpmMultistep } from "./dpm-multistep.ts";
import { dpmSinglestep } from "./dpm-singlestep.ts";
import { euler, eulerAncestral } from "./euler.ts";
import { heun } from "./heun.ts";
import { lcm } from "./lcm.ts";
import type { Level } from "./level.ts";
import { levelsOf } from "./levels.ts";
import { lms } from "./lms.ts";
import { pndm } from "./pndm.ts";
import type { Solver } from "./solver.ts";
import type { Trajectory } from "./step.ts";
import { uniPc } from "./unipc.ts";

const solvers: { readonly [M in Method]: Solver } = {
  ddim,
  ddpm,
  pndm,
  lcm,
  euler,
  "euler-ancestral": eulerAncestral,
  heun,
  lms,
  "dpm++2m": dpmMultistep,
  "dpm++2m-sde": dpmMultistep,
  "dpm++3m": dpmMultistep,
  "dpm++2s": dpmSinglestep,
  "dpm++3s": dpmSinglestep,
  "dpm-multistep": dpmMultistep,
  "dpm-singlestep": dpmSinglestep,
  unipc: uniPc,
};

/**
 * The way from the noisiest level to the last; `from` leaves out the first so many levels, as a clip does that begins with a latent
 * brought to `start`. `figures` are without fault, `from` is in 0..steps - 1.
 */
export function trajectory(figures: SamplerFigures, from = 0): Trajectory {
  const { levels: all, at } = levelsOf(figures);
  const levels = all.slice(from);
  const [start] = levels;
  if (start === undefined) throw new Error(`sampler: level ${from} is beyond ${figures.steps} steps`);
  return { start, spread: spreadOf(figures, start), steps: solvers[figures.method]({ levels, at, figures }) };
}

/**
 * diffusers' `init_noise_sigma`, in latents as the network is fed them. Schedulers whose latents are clean + σ·noise take σ for it, or
 * with leading times sqrt(σ² + 1): over the signal, which is 1 / sqrt(σ² + 1), the noise of the level, or 1. All others have 1, whatever
 * the level.
 */
function spreadOf(figures: SamplerFigures, start: Level): number {
  const { times, spacing } = methodRows[figures.method];
  const bySigma = times === "points" && figures.schedule !== "flow";
  return bySigma && (figures.spacing ?? spacing) !== "leading" ? start.noise : 1;
}
