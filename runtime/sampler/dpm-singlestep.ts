/** DPM-Solver++ and DPM-Solver, singlestep (Lu et al., 2022, algorithm 1): groups of one to three evaluations, each group a step of its own. */

import { dpmFiguresOf } from "./dpm-figures.ts";
import { predicted, update } from "./dpm-update.ts";
import { type Level, logRatio } from "./level.ts";
import { difference, latent, type Mix, register, scale } from "./mix.ts";
import { estimate, pairs, type Solver } from "./solver.ts";

/** Registers: the predictions before the newest, 0 and 1, and the latent where the group began, 2. */
export const dpmSinglestep: Solver = (course) => {
  const { algorithm, order: most, solverType } = dpmFiguresOf(course.figures);
  const count = course.levels.length - 1;
  const isClean = course.levels.at(-1)?.noise === 0;
  // A course that begins later is a part of the whole one's groups.
  const skipped = course.figures.steps - count;
  const orders = ordersOf(course.figures.steps, most, course.figures.lowerOrderFinal, isClean);
  return pairs(course.levels).map(([from, to], i) => {
    const said = estimate(course, from);
    const value = predicted(algorithm, said);
    const order = Math.min(orders[skipped + i] ?? 1, i + 1);
    const begun = course.levels[i + 1 - order] ?? from;
    const next = updateOf({ order, algorithm, solverType, begun, value, to, levels: course.levels.slice(i + 1 - order, i + 1) });
    return { time: from.time, data: said.limit, rows: [next, value, register(0), order === 1 ? latent : register(2)], level: to };
  });
};

interface Group {
  readonly order: number;
  readonly algorithm: Parameters<typeof update>[0]["algorithm"];
  readonly solverType: "midpoint" | "heun";
  readonly begun: Level;
  readonly to: Level;
  /** Of the group's evaluations. */
  readonly levels: readonly Level[];
  readonly value: Mix;
}

function updateOf({ order, algorithm, solverType, begun, to, levels, value }: Group): Mix {
  const base = { algorithm, from: begun, to, solverType } as const;
  if (order === 1) return update({ ...base, latent, value });
  const length = logRatio(to) - logRatio(begun);
  const [, second = begun, third = begun] = levels;
  const ratio = (level: Level) => (logRatio(level) - logRatio(begun)) / length;
  const group = { ...base, latent: register(2), value: register(order - 2) };
  const newest = scale(1 / ratio(order === 2 ? second : third), difference(value, group.value));
  if (order === 2) return update({ ...group, slope: newest });
  // Evaluations at r1 and r0 of the group's length.
  const [r1, r0] = [ratio(second), ratio(third)];
  if (solverType === "midpoint") return update({ ...group, solverType: "heun", slope: newest });
  const older = scale(1 / r1, difference(register(0), group.value));
  const slope = scale(1 / (r0 - r1), difference(scale(r0, older), scale(r1, newest)));
  return update({ ...group, slope, curvature: scale(2 / (r0 - r1), difference(newest, older)) });
}

/** The orders of evaluations: 1, 2, 3, 1, 2, 3 … and at the end what is left, or lower orders. The step to clean data is of first order. */
function ordersOf(steps: number, most: number, lowerOrderFinal: boolean, isClean: boolean): readonly number[] {
  const cycle = Array.from({ length: steps }, (_, i) => (i % most) + 1);
  const lower = lowerOrderFinal || steps % most !== 0 || isClean;
  if (!lower || most === 1) return cycle;
  const last = most === 2 ? [1] : steps % 3 === 0 ? [1, 2, 1] : steps % 3 === 1 ? [1] : [1, 2];
  if (most === 2 && steps % 2 === 0) last.unshift(1);
  if (isClean) last[last.length - 1] = 1;
  return [...cycle.slice(0, Math.max(0, steps - last.length)), ...last].slice(-steps);
}
