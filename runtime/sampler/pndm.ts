/** PNDM (Liu et al., 2022): Adams and Bashforth's method over what the network said, after three Runge-Kutta steps or without them. */

import type { Level } from "./level.ts";
import { latent, type Mix, model, register, scale, sum } from "./mix.ts";
import { type Course, pairs, prediction, type Solver } from "./solver.ts";
import type { SamplerStep } from "./step.ts";

/** Registers 0 to 2: what the network said in the last steps. 3: where a step of several evaluations began. 4: the mean that it gathers. */
const [began, gathered] = [register(3), register(4)];

/** The transfer of the paper's equation 11: DDIM's, with an output that may be a mean. It is read as of the level and latent where the step began. */
function transfer({ figures }: Course, from: Level, to: Level, of: Mix, said: Mix): Mix {
  const { data, noise } = prediction(figures.predicts, from, of, said);
  return sum(scale(to.signal, data), scale(to.noise, noise));
}

/** Weights of the newest output and those before it, by how many there are. */
const adamsBashforth: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

const pushed = [model, register(0), register(1)] as const;

export const pndm: Solver = (course) => (course.figures.skipPrk ? plms(course) : withRungeKutta(course));

/** Without Runge-Kutta: the first step once more with the mean of what the network says at both of its ends. */
function plms(course: Course): readonly SamplerStep[] {
  return pairs(course.levels).flatMap(([from, to], i): SamplerStep[] => {
    if (i > 0) return [adams(course, from, to, Math.min(i, 3))];
    const first: SamplerStep = {
      time: from.time,
      data: undefined,
      rows: [transfer(course, from, to, latent, model), ...pushed, latent],
      level: to,
    };
    if (course.levels.length === 2) return [first];
    const mean = scale(0.5, sum(model, register(0)));
    return [first, { time: to.time, data: undefined, rows: [transfer(course, from, to, began, mean)], level: to }];
  });
}

function adams(course: Course, from: Level, to: Level, before: number): SamplerStep {
  const said = sum(...(adamsBashforth[before] ?? []).map((weight, k) => scale(weight, k === 0 ? model : register(k - 1))));
  return { time: from.time, data: undefined, rows: [transfer(course, from, to, latent, said), ...pushed], level: to };
}

/** Three steps of four evaluations each, at both ends and half way. */
function withRungeKutta(course: Course): readonly SamplerStep[] {
  const { steps, trainSteps } = course.figures;
  const half = Math.floor(Math.floor(trainSteps / steps) / 2);
  const last = course.levels.length - 2;
  return pairs(course.levels).flatMap(([from, to], i): SamplerStep[] => {
    if (i > 2 || i === last) return [adams(course, from, to, Math.min(i, 3))];
    const middle = course.at(from.time - half);
    const step = (time: number, level: Level, of: Mix, said: Mix, ...registers: Mix[]): SamplerStep => ({
      time,
      data: undefined,
      rows: [transfer(course, from, level, of, said), ...registers],
      level,
    });
    const kept = [register(0), register(1), register(2), began];
    const gather = (weight: number) => sum(gathered, scale(weight, model));
    return [
      step(from.time, middle, latent, model, ...pushed, latent, scale(1 / 6, model)),
      step(middle.time, middle, began, model, ...kept, gather(1 / 3)),
      step(middle.time, to, began, model, ...kept, gather(1 / 3)),
      step(to.time, to, began, gather(1 / 6)),
    ];
  });
}
