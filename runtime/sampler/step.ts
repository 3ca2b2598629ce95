/** One evaluation of the network as a small matrix that any device can apply, and its application to arrays. */

import type { Level } from "./level.ts";
import type { Mix } from "./mix.ts";

/** Bounds of the predicted clean latent. */
export type Limit =
  /** Clamped to ±range. */
  | { readonly kind: "clip"; readonly range: number }
  /**
   * Dynamic thresholding (Saharia et al., 2022): clamped to ±s and divided by s, where s is the quantile `ratio` of a clip's absolute
   * values, at least 1, and at most `most`.
   */
  | { readonly kind: "threshold"; readonly ratio: number; readonly most: number };

export interface SamplerStep {
  /** What the network is told. */
  readonly time: number;
  /** The prediction of the clean latent before its limit, where the rows weigh the limited one. */
  readonly data: { readonly mix: Mix; readonly limit: Limit } | undefined;
  /** The new latent, then the new contents of the registers: all of what was there before the step. */
  readonly rows: readonly [latent: Mix, ...registers: Mix[]];
  /** Where the new latent is: a clean latent x with normals e is there as signal·x + noise·e. */
  readonly level: Level;
}

/** A sampler's whole way. */
export interface Trajectory {
  /** Where the first step begins. */
  readonly start: Level;
  /** What standard normals are multiplied with to be a clip's first latent. */
  readonly spread: number;
  readonly steps: readonly SamplerStep[];
}

/** How many registers the steps fill or read. */
export function registersOf(steps: readonly SamplerStep[]): number {
  return Math.max(0, ...steps.map(({ rows }) => rows.length - 1));
}
