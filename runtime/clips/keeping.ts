/** A clip's known part to what its latent is at a noise level, and latents to latents that keep it. */

import type { Level } from "../sampler/level.ts";

/** The known part of all clips of a job, each [batch, frames, …]. */
export interface KeptPart {
  /** The clean latent. */
  readonly latent: Float32Array;
  /** How much of it is known, from 0 to 1. */
  readonly keep: Float32Array;
  /** Standard normals, the same at every level. */
  readonly noise: Float32Array;
}

/** A clean latent noised to a level. */
export function noised(clean: Float32Array, noise: Float32Array, level: Pick<Level, "signal" | "noise">): Float32Array {
  return clean.map((value, i) => level.signal * value + level.noise * (noise[i] ?? 0));
}

/** The latent, and in its place, as far as it is known, the known one at that level (as diffusers' inpainting does, and RePaint, Lugmayr et al., 2022, equation 8). */
export function keeping(
  { latent: known, keep, noise }: KeptPart,
  latent: Float32Array,
  level: Pick<Level, "signal" | "noise">,
): Float32Array {
  return latent.map((value, i) => {
    const kept = keep[i] ?? 0;
    return kept * (level.signal * (known[i] ?? 0) + level.noise * (noise[i] ?? 0)) + (1 - kept) * value;
  });
}

/** Behind the last step what is known is what was given, whatever noise a schedule ends with. */
export const clean = { signal: 1, noise: 0 };
