/** Multistep consistency sampling (Luo et al., 2023, algorithm 3): to the clean latent at once, then noise for the next level. */

import { latent, noise, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver } from "./solver.ts";

/** The boundary condition's deviation of the data. */
const deviation = 0.5;

export const lcm: Solver = (course) =>
  pairs(course.levels).map(([from, to], i) => {
    const { data, limit } = estimate(course, from);
    const time = from.time * course.figures.timestepScaling;
    const skip = deviation ** 2 / (time ** 2 + deviation ** 2);
    const out = time / Math.sqrt(time ** 2 + deviation ** 2);
    const denoised = sum(scale(out, data), scale(skip, latent));
    const isLast = i === course.levels.length - 2;
    const next = isLast ? denoised : sum(scale(to.signal, denoised), scale(to.noise, noise));
    return { time: from.time, data: limit, rows: [next], level: to };
  });
