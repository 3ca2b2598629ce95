/** Heun's method (Karras et al., 2022, algorithm 1 without churn): each step again with the mean of the slopes at both of its ends. */

import type { Level } from "./level.ts";
import { latent, type Mix, register, scale, sum } from "./mix.ts";
import { type Course, estimate, type Solver, sigmaOf, unitOf } from "./solver.ts";
import type { SamplerStep } from "./step.ts";

/** The step to the last level is Euler's: there is no slope at its end. */
export const heun: Solver = (course) =>
  course.levels.slice(1).flatMap((to, i): SamplerStep[] => {
    const from = course.levels[i] ?? to;
    const length = sigmaOf(course, to) - sigmaOf(course, from);
    const unit = unitOf(course, to);
    const first = slope(course, from);
    const begun = scale(1 / unitOf(course, from), latent);
    const predicted = sum(scale(unit, begun), scale(unit * length, first.slope));
    // Registers: where the step began, and the slope there.
    const euler: SamplerStep = { time: from.time, data: first.limit, rows: [predicted, begun, first.slope], level: to };
    if (i === course.levels.length - 2) return [{ ...euler, rows: [predicted] }];
    const second = slope(course, to);
    const mean = scale(0.5, sum(register(1), second.slope));
    const corrected = sum(scale(unit, register(0)), scale(unit * length, mean));
    return [euler, { time: to.time, data: second.limit, rows: [corrected], level: to }];
  });

function slope(course: Course, level: Level): { readonly slope: Mix; readonly limit: SamplerStep["data"] } {
  const { data, rest, limit } = estimate(course, level);
  // (y - data) / σ: the noise, or by flow matching noise less data.
  return { slope: course.figures.schedule === "flow" ? sum(rest, scale(-1, data)) : rest, limit };
}
