/** Euler's method on the probability-flow equation in the variables of Karras et al. (2022): dy = noise dσ, with y = x / sqrt(ā). */

import { pairs, prediction, type Solver } from "./step.ts";

export const euler: Solver = (levels, predicts) =>
  pairs(levels).map(([from, to]) => {
    const { data, noise } = prediction(predicts, from.alphaBar);
    const signal = Math.sqrt(to.alphaBar);
    const change = sigma(to.alphaBar) - sigma(from.alphaBar);
    return {
      time: from.time,
      next: {
        latent: signal * (1 / Math.sqrt(from.alphaBar) + change * noise.latent),
        model: signal * change * noise.model,
        data: 0,
        noise: 0,
      },
      data,
    };
  });

function sigma(alphaBar: number): number {
  return Math.sqrt((1 - alphaBar) / alphaBar);
}
