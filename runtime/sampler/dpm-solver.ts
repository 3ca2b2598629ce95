/** DPM-Solver++(2M) (Lu et al., 2022, algorithm 2): data predictions extrapolated along the half log of the signal-to-noise ratio. */

import { latent, register, scale, sum } from "./mix.ts";
import type { Level } from "./schedule.ts";
import { pairs, prediction, type Solver } from "./solver.ts";

/** The first step has nothing before it, and the step to clean data is infinitely long: both are of first order. */
export const dpmSolver: Solver = (levels, { predicts }) =>
  pairs(levels).map(([from, to], i) => {
    const { data } = prediction(predicts, from);
    const length = logRatio(to) - logRatio(from);
    const before = levels[i - 1];
    const ratio = before ? (logRatio(from) - logRatio(before)) / length : Number.POSITIVE_INFINITY;
    const extra = Number.isFinite(length) ? 1 / (2 * ratio) : 0;
    const pull = to.signal * -Math.expm1(-length);
    const next = sum(scale(to.noise / from.noise, latent), scale(pull * (1 + extra), data), scale(-pull * extra, register(0)));
    return { time: from.time, data: undefined, rows: [next, data], level: to };
  });

function logRatio({ signal, noise }: Level): number {
  return Math.log(signal / noise);
}
