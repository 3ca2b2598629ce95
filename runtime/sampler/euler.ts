/** Euler's method on the probability-flow equation in the variables of Karras et al. (2022): dy = noise dσ, with y = x / signal and σ = noise / signal. */

import { scale, sum } from "./mix.ts";
import { pairs, prediction, type Solver } from "./solver.ts";

/** y + (σ' - σ) noise is data + σ' noise, which is finite where y is not: at pure noise. */
export const euler: Solver = (levels, { predicts }) =>
  pairs(levels).map(([from, to]) => {
    const said = prediction(predicts, from);
    return { time: from.time, data: undefined, rows: [sum(scale(to.signal, said.data), scale(to.noise, said.noise))], level: to };
  });
