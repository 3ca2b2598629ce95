/** What the network says at a noise level, and what a solver makes of a list of levels. */

import type { SamplerSpec } from "../../compiler/package/manifest.ts";
import { difference, latent, type Mix, model, scale, sum } from "./mix.ts";
import type { Level } from "./schedule.ts";
import type { SamplerStep } from "./step.ts";

export interface SolverOptions {
  readonly predicts: SamplerSpec["predicts"];
  /** DDIM's noise: 0 deterministic, 1 ancestral. */
  readonly eta: number;
}

/** Noise levels, from the noisiest to the last, to the steps between them. */
export type Solver = (levels: readonly Level[], options: SolverOptions) => readonly SamplerStep[];

/** What the network's output says of the clean latent and of the noise. v = signal·noise - noise·data (Salimans and Ho, 2022). */
export function prediction(
  predicts: SamplerSpec["predicts"],
  { signal, noise: sigma }: Level,
): { readonly data: Mix; readonly noise: Mix } {
  switch (predicts) {
    case "v":
      return {
        data: difference(scale(signal, latent), scale(sigma, model)),
        noise: sum(scale(sigma, latent), scale(signal, model)),
      };
    case "epsilon":
      return { data: difference(scale(1 / signal, latent), scale(sigma / signal, model)), noise: model };
  }
}

/** Consecutive pairs of levels. */
export function pairs(levels: readonly Level[]): readonly (readonly [from: Level, to: Level])[] {
  return levels.slice(1).map((to, i) => [levels[i] ?? to, to]);
}
