/** One step of a sampler as plain coefficients, which any device can apply, and its application to arrays. */

import type { SamplerSpec } from "../../compiler/package/manifest.ts";
import type { Level } from "./schedule.ts";

/** a·latent + b·model. */
export interface Mix {
  readonly latent: number;
  readonly model: number;
}

export interface SamplerStep {
  /** What the network is told. */
  readonly time: number;
  /** The next latent: latent·x + model·(the guided prediction) + data·(the step before's data prediction) + noise·(fresh normals). */
  readonly next: Mix & { readonly data: number; readonly noise: number };
  /** The prediction of the clean latent. */
  readonly data: Mix;
}

/** Noise levels, from the noisiest to the last, to one step between each two. `eta` matters to DDIM only. */
export type Solver = (levels: readonly Level[], predicts: SamplerSpec["predicts"], eta: number) => readonly SamplerStep[];

/** What the network's output says of the clean latent and of the noise. v = sqrt(ā) noise - sqrt(1 - ā) data (Salimans and Ho, 2022). */
export function prediction(predicts: SamplerSpec["predicts"], alphaBar: number): { readonly data: Mix; readonly noise: Mix } {
  const signal = Math.sqrt(alphaBar);
  const sigma = Math.sqrt(1 - alphaBar);
  if (predicts === "v") return { data: { latent: signal, model: -sigma }, noise: { latent: sigma, model: signal } };
  return { data: { latent: 1 / signal, model: -sigma / signal }, noise: { latent: 0, model: 1 } };
}

/** Consecutive pairs of levels. */
export function pairs(levels: readonly Level[]): readonly (readonly [from: Level, to: Level])[] {
  return levels.slice(1).map((to, i) => [levels[i] ?? to, to]);
}

/** Classifier-free guidance (Ho and Salimans, 2022): u + guidance (c - u), of [prompt half c, empty-prompt half u]. */
export function guide(stacked: Float32Array, guidance: number): Float32Array {
  const half = stacked.length / 2;
  const out = new Float32Array(half);
  for (let i = 0; i < half; i++) {
    const u = stacked[half + i] ?? 0;
    out[i] = u + guidance * ((stacked[i] ?? 0) - u);
  }
  return out;
}

/** The latent after a step, and the data prediction that the next step may need. Zeros stand for arrays that are not given. */
export function advance(
  step: SamplerStep,
  latent: Float32Array,
  model: Float32Array,
  before: Float32Array | undefined,
  noise: Float32Array | undefined,
): { readonly latent: Float32Array; readonly data: Float32Array } {
  const next = new Float32Array(latent.length);
  const data = new Float32Array(latent.length);
  for (let i = 0; i < latent.length; i++) {
    const x = latent[i] ?? 0;
    const m = model[i] ?? 0;
    data[i] = step.data.latent * x + step.data.model * m;
    next[i] = step.next.latent * x + step.next.model * m + step.next.data * (before?.[i] ?? 0) + step.next.noise * (noise?.[i] ?? 0);
  }
  return { latent: next, data };
}
