/** The updates of DPM-Solver (Lu et al., 2022) and DPM-Solver++ (Lu et al., 2022): a latent along λ by a polynomial of predictions. */

import type { Algorithm } from "../../compiler/package/sampler-figures.ts";
import { type Level, logRatio } from "./level.ts";
import { type Mix, noise, nothing, scale, sum } from "./mix.ts";
import type { Estimate } from "./solver.ts";

/** What the algorithm goes by: the clean latent (++), or the noise. */
export function predicted(algorithm: Algorithm, { data, rest }: Estimate): Mix {
  return algorithm.endsWith("++") ? data : rest;
}

export interface Update {
  readonly algorithm: Algorithm;
  readonly from: Level;
  readonly to: Level;
  /** The latent at `from`. */
  readonly latent: Mix;
  /** The polynomial's value, slope and half curvature, by steps of the length λ' - λ: those that the order has. */
  readonly value: Mix;
  readonly slope?: Mix;
  readonly curvature?: Mix;
  /** A slope's weight: its integral (heun), or half of the value's (midpoint). */
  readonly solverType: "midpoint" | "heun";
}

/**
 * With h = λ' - λ the exact integrals of exp(h) or, of SDEs, exp(2h) against 1, τ and τ² (equations 3.7 of DPM-Solver and 9 of
 * DPM-Solver++). A step of no length leaves the latent; an infinite one, to the clean latent, has a value only.
 */
export function update({ algorithm, from, to, latent, value, slope = nothing, curvature = nothing, solverType }: Update): Mix {
  const h = logRatio(to) - logRatio(from);
  if (Math.abs(h) < 1e-9) return latent;
  const byData = algorithm.endsWith("++");
  const random = algorithm.startsWith("sde");
  // Data decays with λ, noise grows; of an SDE data decay twice as fast, and noise counts twice.
  const x = byData ? (random ? -2 * h : -h) : h;
  const first = Math.expm1(x);
  const ofValue = -first;
  const ofSlope = solverType === "midpoint" ? -first / 2 : 1 - first / x;
  const ofCurvature = 0.5 - (first - x) / x ** 2;
  const unit = (byData ? to.signal : to.noise) * (random && !byData ? 2 : 1);
  const kept = byData ? (to.noise / from.noise) * (random ? Math.exp(-h) : 1) : to.signal / from.signal;
  const fresh = random ? to.noise * Math.sqrt(byData ? -Math.expm1(-2 * h) : Math.expm1(2 * h)) : 0;
  const weighed = [scale(unit * ofValue, value), scale(slope === nothing ? 0 : unit * ofSlope, slope)];
  const third = scale(curvature === nothing ? 0 : unit * ofCurvature, curvature);
  return sum(scale(kept, latent), ...weighed, third, scale(fresh, noise));
}
