/** A step's matrix applied to arrays: the latent and the registers before it to those after it. */

import { limitedBy } from "./limit.ts";
import { type Mix, mostRegisters } from "./mix.ts";
import type { SamplerStep } from "./step.ts";

/** The latent, then the registers: rows of a step's matrix. */
export type SamplerState = readonly [latent: Float32Array, ...registers: Float32Array[]];

export interface StepArrays {
  /** The network's guided output. */
  readonly model: Float32Array;
  /** Standard normals, where the step takes any. */
  readonly noise: Float32Array | undefined;
  /** How many clips lie one after another: each has a limit of its own. */
  readonly clips: number;
}

/** The state that a loop starts with: nothing is kept yet. */
export function startState(latent: Float32Array, registers: number): SamplerState {
  return [latent, ...Array.from({ length: registers }, () => new Float32Array(latent.length))];
}

/** The state after a step. Registers that it has no row for stay as they were. Sums are taken in f64 and rounded once. */
export function advance(step: SamplerStep, state: SamplerState, { model, noise, clips }: StepArrays): SamplerState {
  const [latent, ...registers] = state;
  const zeros = noise ?? new Float32Array(latent.length);
  const kept = Array.from({ length: mostRegisters }, (_, i) => registers[i]);
  const before = (data: Float32Array | undefined) => [latent, model, data, zeros, ...kept];
  const raw = step.data && weighed(step.data.mix, before(undefined), latent.length);
  const sources = before(raw && step.data && limitedBy(step.data.limit, raw, clips));
  const after = step.rows.map((row) => weighed(row, sources, latent.length));
  return state.map((old, i) => after[i] ?? old) as unknown as SamplerState;
}

function weighed(mix: Mix, sources: readonly (Float32Array | undefined)[], count: number): Float32Array {
  const terms = mix.flatMap((weight, i) => {
    const source = sources[i];
    if (weight === 0) return [];
    if (source === undefined) throw new Error(`sampler: a step weighs array ${i}, which is not there`);
    return [{ weight, source }];
  });
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let total = 0;
    for (const { weight, source } of terms) total += weight * (source[i] ?? 0);
    out[i] = total;
  }
  return out;
}
