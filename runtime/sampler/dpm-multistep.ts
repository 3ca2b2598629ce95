/** DPM-Solver++ and its kin, multistep (Lu et al., 2022, algorithm 2): polynomials through the predictions of earlier steps. */

import { dpmFiguresOf } from "./dpm-figures.ts";
import { predicted, update } from "./dpm-update.ts";
import { logRatio } from "./level.ts";
import { difference, latent, register, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver } from "./solver.ts";

/** Registers: the predictions before the newest. The step to clean data is infinitely long, and so of first order. */
export const dpmMultistep: Solver = (course) => {
  const { algorithm, order: most, solverType } = dpmFiguresOf(course.figures);
  const { lowerOrderFinal, eulerAtFinal } = course.figures;
  const lambdas = course.levels.map(logRatio);
  const count = course.levels.length - 1;
  const few = lowerOrderFinal && course.figures.steps < 15;
  return pairs(course.levels).map(([from, to], i) => {
    const said = estimate(course, from);
    const value = predicted(algorithm, said);
    const length = (at: number) => (lambdas[at + 1] ?? 0) - (lambdas[at] ?? 0);
    const left = count - i;
    const first = left === 1 && (eulerAtFinal || few || length(i) === Number.POSITIVE_INFINITY);
    const order = first ? 1 : Math.min(most, i + 1, left === 2 && few ? 2 : most);
    const [r0, r1] = [length(i - 1) / length(i), length(i - 2) / length(i)];
    const base = { algorithm, from, to, latent, value, solverType } as const;
    const pushed = [value, register(0)].slice(0, most - 1);
    const step = (next: ReturnType<typeof update>) => ({ time: from.time, data: said.limit, rows: [next, ...pushed] as const, level: to });
    if (order === 1) return step(update(base));
    const newest = scale(1 / r0, difference(value, register(0)));
    if (order === 2) return step(update({ ...base, slope: newest }));
    const older = scale(1 / r1, difference(register(0), register(1)));
    const bend = difference(newest, older);
    const slope = sum(newest, scale(r0 / (r0 + r1), bend));
    return step(update({ ...base, solverType: "heun", slope, curvature: scale(1 / (r0 + r1), bend) }));
  });
};
