/** The linear multistep method: the integral of the polynomial through the last slopes, in the variables of Karras et al. (2022). */

import { latent, nothing, register, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver, sigmaOf, unitOf } from "./solver.ts";

export const lms: Solver = (course) => {
  const sigmas = course.levels.map((level) => sigmaOf(course, level));
  const most = course.figures.order ?? 4;
  return pairs(course.levels).map(([from, to], i) => {
    const { data, rest, limit } = estimate(course, from);
    const slope = course.figures.schedule === "flow" ? sum(rest, scale(-1, data)) : rest;
    const order = Math.min(i + 1, most);
    const slopes = [slope, ...Array.from({ length: order - 1 }, (_, k) => register(k))];
    const known = sigmas.slice(i + 1 - order, i + 1).reverse();
    const change = slopes.map((one, k) => scale(integral(known, k, sigmas[i] ?? 0, sigmas[i + 1] ?? 0), one));
    const unit = unitOf(course, to);
    const next = sum(scale(unit / unitOf(course, from), latent), scale(unit, sum(nothing, ...change)));
    const pushed = [slope, register(0), register(1)].slice(0, most - 1);
    return { time: from.time, data: limit, rows: [next, ...pushed], level: to };
  });
};

/** Points and weights of Gauss and Legendre's rule on -1..1, which is exact for polynomials up to the degree 5. */
const gauss = [
  [-Math.sqrt(0.6), 5 / 9],
  [0, 8 / 9],
  [Math.sqrt(0.6), 5 / 9],
] as const;

/** Of the polynomial that is 1 at `known[k]` and 0 at the others, from one σ to another. */
function integral(known: readonly number[], k: number, from: number, to: number): number {
  const at = (sigma: number) =>
    known.reduce((product, other, j) => (j === k ? product : (product * (sigma - other)) / ((known[k] ?? 0) - other)), 1);
  const half = (to - from) / 2;
  return gauss.reduce((total, [point, weight]) => total + weight * half * at((from + to) / 2 + half * point), 0);
}
