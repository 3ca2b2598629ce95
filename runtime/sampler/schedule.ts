/** The noise schedule of the training to what is left of the signal at each of its times. All in f64. */

import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";

export type Training = Pick<SamplerFigures, "schedule" | "betas" | "trainSteps" | "zeroSnr">;

/**
 * alpha-bar of the times 0 to trainSteps - 1.
 * scaled-linear: betas are squares of evenly spaced roots (Stable Diffusion v1).
 * linear: betas are evenly spaced (Ho et al., 2020).
 * cosine: cos²((t/T + s) / (1 + s) · π/2), s = 0.008, each beta at most 0.999 (Nichol and Dhariwal, 2021, equation 17).
 * sigmoid: betas follow the logistic function from -6 to 6. laplace, exp: diffusers' `betas_for_alpha_bar` of those names.
 * trained: betas are given.
 */
export function alphaBars({ schedule, betas, trainSteps, zeroSnr }: Training): Float64Array {
  const [first = 0, last = 0] = betas;
  const part = (i: number) => i / Math.max(1, trainSteps - 1);
  const between = (from: number, to: number, i: number) => from + (to - from) * part(i);
  const byBars = (bar: (part: number) => number) => (i: number) => Math.min(1 - bar((i + 1) / trainSteps) / bar(i / trainSteps), 0.999);
  const beta: { readonly [S in Training["schedule"]]: (i: number) => number } = {
    "scaled-linear": (i) => between(Math.sqrt(first), Math.sqrt(last), i) ** 2,
    linear: (i) => between(first, last, i),
    cosine: byBars((t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2),
    sigmoid: (i) => (last - first) / (1 + Math.exp(-between(-6, 6, i))) + first,
    laplace: byBars(laplace),
    exp: byBars((t) => Math.exp(-12 * t)),
    trained: (i) => betas[i] ?? 0,
    flow: () => 0,
  };
  let product = 1;
  const bars = Float64Array.from({ length: trainSteps }, (_, i) => {
    product *= 1 - beta[schedule](i);
    return product;
  });
  return zeroSnr ? withoutSignal(bars) : bars;
}

/** The square root of the share of signal where half the log of the signal-to-noise ratio is a quantile of Laplace's distribution. */
function laplace(t: number): number {
  const logRatio = -0.5 * (t > 0.5 ? -1 : 1) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
  return Math.sqrt(1 / (1 + Math.exp(-logRatio)));
}

/** Lin et al. (2023), algorithm 1: roots shifted and scaled so that the last is 0 and the first as it was. */
function withoutSignal(bars: Float64Array): Float64Array {
  const [first = 1, last = 0] = [bars[0], bars.at(-1)].map((bar) => Math.sqrt(bar ?? 0));
  return bars.map((bar) => ((Math.sqrt(bar) - last) * (first / (first - last))) ** 2);
}
