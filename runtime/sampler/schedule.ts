/** The noise schedule of the training to the noise levels that a sampler visits. All in f64. */

import type { SamplerSpec } from "../../compiler/package/manifest.ts";

/** A noise level: latents are signal·clean + noise·(standard normals). */
export interface Level {
  /** What the network is told; the last level of a list, where it is not asked, has the time -1. */
  readonly time: number;
  readonly signal: number;
  readonly noise: number;
}

/**
 * alpha-bar of the times 0 to trainSteps - 1.
 * scaled-linear: betas are squares of evenly spaced roots (Stable Diffusion v1).
 * linear: betas are evenly spaced (Ho et al., 2020).
 * cosine: cos²((t/T + s) / (1 + s) · π/2), s = 0.008, each beta at most 0.999 (Nichol and Dhariwal, 2021, equation 17).
 */
export function alphaBars(schedule: SamplerSpec["schedule"], betas: readonly [number, number], trainSteps: number): Float64Array {
  const roots = betas.map(Math.sqrt) as [number, number];
  const between = ([first, last]: readonly [number, number], i: number) => first + ((last - first) * i) / Math.max(1, trainSteps - 1);
  const beta = {
    "scaled-linear": (i: number) => between(roots, i) ** 2,
    linear: (i: number) => between(betas, i),
    cosine: (i: number) => Math.min(1 - cosine((i + 1) / trainSteps) / cosine(i / trainSteps), 0.999),
  }[schedule];
  let product = 1;
  return Float64Array.from({ length: trainSteps }, (_, i) => {
    product *= 1 - beta(i);
    return product;
  });
}

function cosine(part: number): number {
  return Math.cos((((part + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/**
 * `steps` times evenly spaced from the last one down, so that the first step is told pure noise, then clean data: diffusers' `trailing`,
 * `np.arange(T, 0, -T / steps).round() - 1`. Of the numbers of steps for which rounding errors give numpy one time more, it is left out.
 */
export function trailingLevels(bars: Float64Array, steps: number): readonly Level[] {
  const last = bars.length;
  // numpy takes the step between its first two numbers, which is T / steps less a rounding error: that decides halves such as 48 steps' 937.5.
  const between = last - (last - last / steps);
  const times = Array.from({ length: steps }, (_, i) => roundToEven(last - i * between) - 1);
  return [...times.map((time) => levelAt(bars, time)), levelOf(-1, 1)];
}

/** As numpy's and PyTorch's `round`: a half goes to the even neighbour. */
function roundToEven(value: number): number {
  const below = Math.floor(value);
  const part = value - below;
  return part > 0.5 || (part === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/**
 * Diffusers' `leading` with its `steps_offset` 1 and without `set_alpha_to_one`: the `steps` lowest multiples of floor(T / steps), plus
 * one, downwards, then alpha-bar of time 0. CompVis's own list is the same where `steps` divides T; else it takes every multiple below T,
 * which is more steps than were asked for (31 for 30).
 */
export function leadingLevels(bars: Float64Array, steps: number): readonly Level[] {
  const times = Array.from({ length: steps }, (_, i) => (steps - 1 - i) * Math.floor(bars.length / steps) + 1);
  const known = times.map((time) => levelAt(bars, Math.min(time, bars.length - 1)));
  return [...known, { ...levelAt(bars, 0), time: -1 }];
}

function levelAt(bars: Float64Array, time: number): Level {
  const alphaBar = bars[time];
  if (alphaBar === undefined) throw new Error(`sampler: time ${time} is outside of the schedule's ${bars.length}`);
  return levelOf(time, alphaBar);
}

/** The latents' variance stays one: signal² + noise² = 1. */
export function levelOf(time: number, alphaBar: number): Level {
  return { time, signal: Math.sqrt(alphaBar), noise: Math.sqrt(1 - alphaBar) };
}
