/** Euler's method on the probability-flow equation in the variables of Karras et al. (2022), dy = noise dσ, and its ancestral form. */

import { noise, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver, sigmaOf, unitOf } from "./solver.ts";

/** y + (σ' - σ) noise is data + σ' noise, which is finite where y is not: at pure noise. */
export const euler: Solver = (course) =>
  pairs(course.levels).map(([from, to]) => {
    const { data, rest, limit } = estimate(course, from);
    return { time: from.time, data: limit, rows: [sum(scale(to.signal, data), scale(to.noise, rest))], level: to };
  });

/** Down to less noise than the next level has, and up to it by fresh noise. By flow matching all of the noise is fresh: diffusers' `stochastic_sampling`. */
export const eulerAncestral: Solver = (course) =>
  pairs(course.levels).map(([from, to]) => {
    const { data, rest, limit } = estimate(course, from);
    const [sigma, next] = [sigmaOf(course, from), sigmaOf(course, to)];
    const up = course.figures.schedule === "flow" ? next : Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2);
    const down = Math.sqrt(Math.max(0, next ** 2 - up ** 2));
    const unit = unitOf(course, to);
    const row = sum(scale(to.signal, data), scale(unit * down, rest), scale(unit * up, noise));
    return { time: from.time, data: limit, rows: [row], level: to };
  });
