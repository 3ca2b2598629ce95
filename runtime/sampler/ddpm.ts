/** DDPM (Ho et al., 2020, equation 7): the mean and the variance of the level before, of the predicted clean latent. */

import { latent, noise, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver } from "./solver.ts";

export const ddpm: Solver = (course) =>
  pairs(course.levels).map(([from, to]) => {
    const { data, limit } = estimate(course, from);
    const alpha = (from.signal / to.signal) ** 2;
    const left = (to.noise / from.noise) ** 2;
    const mean = sum(scale((to.signal * (1 - alpha)) / from.noise ** 2, data), scale(Math.sqrt(alpha) * left, latent));
    // fixed-small and fixed-small-log are one: the log is taken and undone.
    const variance = course.figures.variance === "fixed-large" ? 1 - alpha : left * (1 - alpha);
    const fresh = from.time > 0 ? Math.sqrt(variance) : 0;
    return { time: from.time, data: limit, rows: [sum(mean, scale(fresh, noise))], level: to };
  });
