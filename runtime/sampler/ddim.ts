/** DDIM (Song et al., 2021, equations 12 and 16): to each level by the predicted clean latent and noise. */

import { noise, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver } from "./solver.ts";

/** eta 0 is deterministic, eta 1 is ancestral sampling (DDPM). The noise is the network's, whatever the limits. */
export const ddim: Solver = (course) =>
  pairs(course.levels).map(([from, to]) => {
    const said = estimate(course, from);
    const fresh = course.figures.eta * Math.sqrt((to.noise / from.noise) ** 2 * (1 - (from.signal / to.signal) ** 2));
    const kept = Math.sqrt(Math.max(0, to.noise ** 2 - fresh ** 2));
    const next = sum(scale(to.signal, said.data), scale(kept, said.noise), scale(fresh, noise));
    return { time: from.time, data: said.limit, rows: [next], level: to };
  });
