/** DPM-Solver++(2M) (Lu et al., 2022, algorithm 2): data predictions extrapolated along the half log of the signal-to-noise ratio. */

import type { Level } from "./schedule.ts";
import { pairs, prediction, type Solver } from "./step.ts";

/** The first step has nothing before it, and the step to clean data is infinitely long: both are of first order. */
export const dpmSolver: Solver = (levels, predicts) =>
  pairs(levels).map(([from, to], i) => {
    const { data } = prediction(predicts, from.alphaBar);
    const length = logRatio(to) - logRatio(from);
    const before = levels[i - 1];
    const ratio = before ? (logRatio(from) - logRatio(before)) / length : Number.POSITIVE_INFINITY;
    const extra = Number.isFinite(length) ? 1 / (2 * ratio) : 0;
    const pull = Math.sqrt(to.alphaBar) * -Math.expm1(-length);
    const kept = Math.sqrt((1 - to.alphaBar) / (1 - from.alphaBar));
    return {
      time: from.time,
      next: {
        latent: kept + pull * (1 + extra) * data.latent,
        model: pull * (1 + extra) * data.model,
        data: -pull * extra,
        noise: 0,
      },
      data,
    };
  });

function logRatio({ alphaBar }: Level): number {
  return Math.log(alphaBar / (1 - alphaBar)) / 2;
}
