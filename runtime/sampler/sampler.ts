/** The figures of a sampler to the steps that the loop takes. */

import type { Method, SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import { ddim } from "./ddim.ts";
import { ddpm } from "./ddpm.ts";
import { dpmMultistep } from "./dpm-multistep.ts";
import { dpmSinglestep } from "./dpm-singlestep.ts";
import { euler, eulerAncestral } from "./euler.ts";
import { heun } from "./heun.ts";
import { lcm } from "./lcm.ts";
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
  return { start, steps: solvers[figures.method]({ levels, at, figures }) };
}
