/** A range of σ, noise over signal, to σ spread within it, and σ to the times of the training that have them. */

import type { Spread } from "../../compiler/package/sampler-figures.ts";
import { betaQuantile } from "./beta-quantile.ts";
import { linspace } from "./times.ts";

/** `count` σ, falling from `most` to `least`. Karras et al. (2022), equation 5 with ρ = 7; Lu et al. (2022), even in log σ by its product; Lee et al. (2024), a beta distribution of 0.6, 0.6. */
export function spread(how: Spread, most: number, least: number, count: number): readonly number[] {
  const parts = linspace(0, 1, count);
  const between = (from: number, to: number, power: number) =>
    parts.map((part) => (from ** (1 / power) + part * (to ** (1 / power) - from ** (1 / power))) ** power);
  switch (how) {
    case "karras":
      return between(most, least, 7);
    case "exponential":
    case "lu":
      return linspace(Math.log(most), Math.log(least), count).map(Math.exp);
    case "beta":
      return parts.map((part) => least + betaQuantile(1 - part) * (most - least));
  }
}

/** The σ at a time that may lie between two of the training: on the line between theirs. */
export function sigmaAt(sigmas: Float64Array, time: number): number {
  const below = Math.min(Math.max(Math.floor(time), 0), sigmas.length - 1);
  const [low = 0, high = low] = [sigmas[below], sigmas[below + 1]];
  return low + (time - below) * (high - low);
}

/** The time at which the training has a σ, between two of its times by the logs of theirs; σ beyond its range have its ends. */
export function timeOf(sigmas: Float64Array, sigma: number): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  let below = 0;
  for (let i = 0; i < sigmas.length; i++) if (Math.log(sigmas[i] ?? 0) <= log) below = i;
  below = Math.min(below, sigmas.length - 2);
  const [low, high] = [Math.log(sigmas[below] ?? 0), Math.log(sigmas[below + 1] ?? 0)];
  const part = Math.min(Math.max((low - log) / (low - high), 0), 1);
  return (1 - part) * below + part * (below + 1);
}
