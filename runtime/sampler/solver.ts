/** What the network says at a noise level, and what a solver makes of a list of levels. */

import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import type { Level } from "./level.ts";
import { difference, latent, limited, type Mix, model, scale, sum } from "./mix.ts";
import type { Limit, SamplerStep } from "./step.ts";

export interface Course {
  /** From the noisiest to the last, where the network is not asked. */
  readonly levels: readonly Level[];
  /** The training's level at a time: of solvers that go between the visited ones. */
  readonly at: (time: number) => Level;
  readonly figures: SamplerFigures;
}

/** A course to the evaluations of the network on its way. */
export type Solver = (course: Course) => readonly SamplerStep[];

export interface Estimate {
  /** The clean latent, within its limits. */
  readonly data: Mix;
  /** The noise as the network has it. */
  readonly noise: Mix;
  /** The noise that is left when `data` is taken out of the latent: the same where there are no limits. */
  readonly rest: Mix;
  /** What a step must say for `data` to be limited. */
  readonly limit: SamplerStep["data"];
}

export function estimate({ figures }: Course, level: Level): Estimate {
  const { data: raw, noise } = prediction(figures.predicts, level);
  const limit = limitOf(figures);
  if (limit === undefined) return { data: raw, noise, rest: noise, limit: undefined };
  const rest = scale(1 / level.noise, difference(latent, scale(level.signal, limited)));
  return { data: limited, noise, rest, limit: { mix: raw, limit } };
}

function limitOf({ clip, threshold, sampleMax }: SamplerFigures): Limit | undefined {
  if (clip !== null) return { kind: "clip", range: clip };
  return threshold === null ? undefined : { kind: "threshold", ratio: threshold, most: sampleMax };
}

/**
 * What the network's output, of this latent unless said otherwise, says of the clean latent and of the noise.
 * v = signal·noise - noise·data (Salimans and Ho, 2022); flow = noise - data (Lipman et al., 2023).
 */
export function prediction(
  predicts: SamplerFigures["predicts"],
  { signal, noise: sigma }: Level,
  of = latent,
  said = model,
): { readonly data: Mix; readonly noise: Mix } {
  switch (predicts) {
    case "v":
      return { data: difference(scale(signal, of), scale(sigma, said)), noise: sum(scale(sigma, of), scale(signal, said)) };
    case "epsilon":
      return { data: difference(scale(1 / signal, of), scale(sigma / signal, said)), noise: said };
    case "sample":
      return { data: said, noise: scale(1 / sigma, difference(of, scale(signal, said))) };
    case "flow": {
      const whole = signal + sigma;
      return { data: scale(1 / whole, difference(of, scale(sigma, said))), noise: scale(1 / whole, sum(of, scale(signal, said))) };
    }
  }
}

/** Consecutive pairs of levels. */
export function pairs(levels: readonly Level[]): readonly (readonly [from: Level, to: Level])[] {
  return levels.slice(1).map((to, i) => [levels[i] ?? to, to]);
}

/**
 * What latents are divided by to be clean + σ·noise, as Karras et al. (2022) have them: the signal. Those of flow matching stay as they
 * are: the same ordinary differential equation, y' = (y - data) / σ, holds of (1 - σ)·clean + σ·noise.
 */
export function unitOf({ figures }: Course, { signal }: Level): number {
  return figures.schedule === "flow" ? 1 : signal;
}

/** σ in those units. */
export function sigmaOf(course: Course, level: Level): number {
  return level.noise / unitOf(course, level);
}
