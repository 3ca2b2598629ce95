/** DDIM (Song et al., 2021, equations 12 and 16): to each level by the predicted clean latent and noise. */

import { noise, scale, sum } from "./mix.ts";
import { pairs, prediction, type Solver } from "./solver.ts";

/** eta 0 is deterministic, eta 1 is ancestral sampling (DDPM). */
export const ddim: Solver = (levels, { predicts, eta }) =>
  pairs(levels).map(([from, to]) => {
    const said = prediction(predicts, from);
    const fresh = eta * Math.sqrt((to.noise / from.noise) ** 2 * (1 - (from.signal / to.signal) ** 2));
    const kept = Math.sqrt(Math.max(0, to.noise ** 2 - fresh ** 2));
    return {
      time: from.time,
      data: undefined,
      rows: [sum(scale(to.signal, said.data), scale(kept, said.noise), scale(fresh, noise))],
      level: to,
    };
  });
