// Solvers against exact solutions. For data that are normal with mean m and deviation s the best denoiser is known, and along the
// probability-flow equation (x - sqrt(ā) m) / sqrt(ā s² + 1 - ā) does not change.

import { expect, test } from "vitest";
import { type SamplerFigures, withDefaults } from "../../../compiler/package/sampler-figures.ts";
import type { Method } from "../../../dsl/sampling.ts";
import { advance, startState } from "../../../runtime/sampler/advance.ts";
import { ddim } from "../../../runtime/sampler/ddim.ts";
import { dpmMultistep } from "../../../runtime/sampler/dpm-multistep.ts";
import { dpmSinglestep } from "../../../runtime/sampler/dpm-singlestep.ts";
import { euler } from "../../../runtime/sampler/euler.ts";
import { guide } from "../../../runtime/sampler/guidance.ts";
import { heun } from "../../../runtime/sampler/heun.ts";
import { type Level, levelOf } from "../../../runtime/sampler/level.ts";
import { levelsOf } from "../../../runtime/sampler/levels.ts";
import { limitedBy } from "../../../runtime/sampler/limit.ts";
import { lms } from "../../../runtime/sampler/lms.ts";
import type { Mix } from "../../../runtime/sampler/mix.ts";
import { alphaBars } from "../../../runtime/sampler/schedule.ts";
import type { Solver } from "../../../runtime/sampler/solver.ts";
import type { SamplerStep } from "../../../runtime/sampler/step.ts";
import { uniPc } from "../../../runtime/sampler/unipc.ts";

const MEAN = 0.7;
const DEVIATION = 0.4;
const START = 1.3;
/** A method with what its figures are where they are not said. */
const figuresOf = (method: Method, more: object = {}) =>
  withDefaults({ method, steps: 100, guidance: 1, schedule: "linear", trainSteps: 1000, ...more }) as unknown as SamplerFigures;

/** Steps between levels, without more of a training. */
function solved(solve: Solver, method: Method, levels: readonly Level[], more: object = {}) {
  const at = () => {
    throw new Error("no level between");
  };
  return solve({ levels, at, figures: figuresOf(method, more) });
}

/** Solvers with the order of their error; those that begin with lower orders keep the error of that. */
const methods = {
  ddim: [ddim, 1],
  euler: [euler, 1],
  heun: [heun, 2],
  "dpm++2m": [dpmMultistep, 2],
  "dpm++3m": [dpmMultistep, 2],
  "dpm++2s": [dpmSinglestep, 2],
  "dpm++3s": [dpmSinglestep, 3],
  lms: [lms, 2],
  unipc: [uniPc, 3],
} as const satisfies { readonly [M in Method]?: readonly [Solver, number] };
type Tested = keyof typeof methods;

/** Levels evenly spaced in half the log of the signal-to-noise ratio, from -3 to 3. */
function evenLevels(steps: number): Level[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const ratio = Math.exp(2 * (-3 + (6 * i) / steps));
    return levelOf(i, ratio / (1 + ratio));
  });
}

const barOf = (level: Level | undefined) => (level?.signal ?? 0) ** 2;

/** What a row makes of numbers, without noise. */
function weighed(row: Mix | undefined, x: number, m: number, before: readonly number[] = []): number {
  return [x, m, 0, 0, ...before].reduce((total, value, i) => total + value * (row?.[i] ?? 0), 0);
}

const spread = (a: number, s: number) => Math.sqrt(a * s * s + 1 - a);
const exact = (a: number, s: number, u: number) => Math.sqrt(a) * MEAN + spread(a, s) * u;

/** What a perfect network says at x: of the data E[data | x], of the noise and of v by their definitions. */
function network(predicts: "epsilon" | "v", a: number, s: number, x: number): number {
  const data = MEAN + ((Math.sqrt(a) * s * s) / (a * s * s + 1 - a)) * (x - Math.sqrt(a) * MEAN);
  const noise = (x - Math.sqrt(a) * data) / Math.sqrt(1 - a);
  return predicts === "v" ? Math.sqrt(a) * noise - Math.sqrt(1 - a) * data : noise;
}

function solve(method: Tested, levels: readonly Level[], predicts: "epsilon" | "v", s: number): number {
  let x = exact(barOf(levels[0]), s, START);
  let before: readonly number[] = [];
  let level = levels[0];
  for (const { rows, level: next } of solved(methods[method][0], method, levels, {
    predicts,
    steps: levels.length - 1,
    lowerOrderFinal: false,
  })) {
    const m = network(predicts, barOf(level), s, x);
    const [moved = 0, ...kept] = rows.map((row) => weighed(row, x, m, before));
    before = before.map((old, i) => kept[i] ?? old).concat(kept.slice(before.length));
    [x, level] = [moved, next];
  }
  return x;
}

test.each(Object.keys(methods) as Tested[])("%s converges with its order, for epsilon and for v", (method) => {
  const order = methods[method][1];
  for (const predicts of ["epsilon", "v"] as const) {
    const error = (steps: number) => {
      const levels = evenLevels(steps);
      return Math.abs(solve(method, levels, predicts, DEVIATION) - exact(barOf(levels.at(-1)), DEVIATION, START));
    };
    // Halving the steps' length divides the error by 2^order, or more where the error of a lower start is small beside the order's own.
    const found = Math.log2(error(162) / error(324));
    expect(found, predicts).toBeGreaterThan(order - 0.15);
    expect(error(324)).toBeLessThan(order === 1 ? 5e-3 : 6e-5);
  }
});

test("with data at one point every method is exact at any number of steps", () => {
  for (const method of Object.keys(methods) as Tested[]) {
    for (const predicts of ["epsilon", "v"] as const) {
      for (const steps of [1, 2, 5, 20]) {
        const levels = evenLevels(steps);
        const trailing = levelsOf(figuresOf("euler", { schedule: "scaled-linear", betas: [0.00085, 0.012], steps })).levels;
        // Rounding in f64 only, through at most 20 steps whose coefficients stay below 1000.
        expect(solve(method, levels, predicts, 0), `${method} ${steps}`).toBeCloseTo(exact(barOf(levels.at(-1)), 0, START), 10);
        expect(solve(method, trailing, predicts, 0), `${method} ${steps}`).toBeCloseTo(MEAN, 10);
      }
    }
  }
});

test("Euler between the same levels is DDIM without noise (Song et al., 2021, section 4.3)", () => {
  const { levels } = levelsOf(figuresOf("ddim", { schedule: "cosine", steps: 10 }));
  const others = solved(ddim, "ddim", levels, { predicts: "v" });
  solved(euler, "euler", levels, { predicts: "v" }).forEach(({ rows: [row] }, i) => {
    row.forEach((weight, j) => {
      expect(weight).toBeCloseTo(others[i]?.rows[0][j] ?? Number.NaN, 14);
    });
  });
});

test("DDIM with eta 1 keeps the variance, with error of first order", () => {
  const error = (steps: number) => {
    const levels = evenLevels(steps);
    const a0 = barOf(levels[0]);
    let variance = spread(a0, DEVIATION) ** 2;
    solved(ddim, "ddim", levels, { predicts: "epsilon", eta: 1 }).forEach(({ rows: [[latent = 0, model = 0, , noise = 0]] }, i) => {
      const a = barOf(levels[i]);
      const slope = network("epsilon", a, DEVIATION, 1) - network("epsilon", a, DEVIATION, 0);
      variance = (latent + model * slope) ** 2 * variance + noise ** 2;
    });
    return Math.abs(variance - spread(barOf(levels.at(-1)), DEVIATION) ** 2);
  };
  const found = Math.log2(error(320) / error(640));
  expect(found).toBeGreaterThan(0.9);
  expect(found).toBeLessThan(1.1);
  expect(error(640)).toBeLessThan(5e-3);
});

test("DDIM's noise: its variance for eta 1 is DDPM's posterior variance (Ho et al., 2020, equation 7)", () => {
  const bars = alphaBars({ schedule: "scaled-linear", betas: [0.00085, 0.012], trainSteps: 1000, zeroSnr: false });
  const [a = 0, p = 0] = [bars[500], bars[499]];
  const [step] = solved(ddim, "ddim", [levelOf(500, a), levelOf(499, p)], { predicts: "epsilon", eta: 1 });
  const [latent = 0, model = 0, , noise = 0] = step?.rows[0] ?? [];
  const beta = 1 - a / p;
  expect(noise ** 2).toBeCloseTo(((1 - p) / (1 - a)) * beta, 14);
  // The posterior's mean: (x - beta / sqrt(1 - ā) noise) / sqrt(alpha), the same paper's equation 11.
  expect(latent).toBeCloseTo(1 / Math.sqrt(1 - beta), 12);
  expect(model).toBeCloseTo(-beta / Math.sqrt(1 - a) / Math.sqrt(1 - beta), 12);
});

test("DPM-Solver++(2M)'s second step is the paper's algorithm 2", () => {
  const levels: Level[] = [0.2, 0.5, 0.9].map((alphaBar, time) => levelOf(time, alphaBar));
  const [l0 = 0, l1 = 0, l2 = 0] = levels.map(({ signal, noise }) => Math.log(signal / noise));
  const step = solved(dpmMultistep, "dpm++2m", levels, { predicts: "epsilon" })[1];
  const [x, eps, before] = [0.3, -0.8, 0.25];
  const data = (x - Math.sqrt(0.5) * eps) / Math.sqrt(0.5);
  const [h, r] = [l2 - l1, (l1 - l0) / (l2 - l1)];
  const extrapolated = (1 + 1 / (2 * r)) * data - (1 / (2 * r)) * before;
  const expected = (Math.sqrt(0.1) / Math.sqrt(0.5)) * x - Math.sqrt(0.9) * (Math.exp(-h) - 1) * extrapolated;
  expect(weighed(step?.rows[0], x, eps, [before])).toBeCloseTo(expected, 14);
  expect(weighed(step?.rows[1], x, eps, [before])).toBeCloseTo(data, 14);
});

test("guidance and the update are element by element, in f32", () => {
  expect([...guide(Float32Array.of(3, 1, 1, 2), 4)]).toEqual([1 + 4 * 2, 2 - 4]);
  const step: SamplerStep = {
    time: 0,
    data: { mix: [11, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], limit: { kind: "clip", range: 100 } },
    rows: [
      [2, 3, 5, 7, 0, 17, 0, 0, 0, 0, 0, 0],
      [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    ],
    level: levelOf(0, 1),
  };
  const one = (x: number) => Float32Array.of(x);
  const before = [one(1), one(-1), one(10000), one(5)] as const;
  // 11 + 13 · 10 is 141, clipped to 100; the registers are pushed on, and the third, which has no row, stays.
  expect(advance(step, before, { model: one(10), noise: one(1000), clips: 1 })).toEqual([
    one(2 + 30 + 500 + 7000 + 170000),
    one(100),
    one(-1),
    one(5),
  ]);
  const plain = { ...step, data: undefined, rows: [[2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] } as const;
  expect(advance(plain, startState(one(1), 0), { model: one(10), noise: undefined, clips: 1 })).toEqual([one(32)]);
});

test("dynamic thresholding bounds each clip by its own quantile, which lies between two values", () => {
  // The absolute values in order are 0, 1, 2, 4 and half of that: the quantile 0.75 lies at place 2.25, 0.5 of the second clip at 1.5.
  const two = Float32Array.of(-4, 2, 1, 0, 0.5, -2, 1, 0);
  const limit = { kind: "threshold", ratio: 0.75, most: 10 } as const;
  const [first, second] = [2.5, 1.25];
  const expected = [-1, 2 / first, 1 / first, 0, 0.5 / second, -1, 1 / second, 0];
  expect([...limitedBy(limit, two, 2)]).toEqual(expected.map(Math.fround));
  // Never below one, and at most the most.
  expect([...limitedBy({ ...limit, most: 2 }, two, 2)].slice(0, 3)).toEqual([-1, 1, 0.5]);
  expect([...limitedBy({ ...limit, ratio: 0 }, two, 2)]).toEqual([-1, 1, 1, 0, 0.5, -1, 1, 0]);
});
