// Solvers against exact solutions. For data that are normal with mean m and deviation s the best denoiser is known, and along the
// probability-flow equation (x - sqrt(ā) m) / sqrt(ā s² + 1 - ā) does not change.

import { expect, test } from "vitest";
import { ddim } from "../../../runtime/sampler/ddim.ts";
import { dpmSolver } from "../../../runtime/sampler/dpm-solver.ts";
import { euler } from "../../../runtime/sampler/euler.ts";
import type { Level } from "../../../runtime/sampler/schedule.ts";
import { alphaBars, trailingLevels } from "../../../runtime/sampler/schedule.ts";
import { advance, guide, type Solver } from "../../../runtime/sampler/step.ts";

const MEAN = 0.7;
const DEVIATION = 0.4;
const START = 1.3;
const solvers: { readonly [name: string]: Solver } = { ddim, euler, dpmSolver };

/** Levels evenly spaced in half the log of the signal-to-noise ratio, from -3 to 3. */
function evenLevels(steps: number): Level[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const ratio = Math.exp(2 * (-3 + (6 * i) / steps));
    return { time: i, alphaBar: ratio / (1 + ratio) };
  });
}

const spread = (a: number, s: number) => Math.sqrt(a * s * s + 1 - a);
const exact = (a: number, s: number, u: number) => Math.sqrt(a) * MEAN + spread(a, s) * u;

/** What a perfect network says at x: of the data E[data | x], of the noise and of v by their definitions. */
function network(predicts: "epsilon" | "v", a: number, s: number, x: number): number {
  const data = MEAN + ((Math.sqrt(a) * s * s) / (a * s * s + 1 - a)) * (x - Math.sqrt(a) * MEAN);
  const noise = (x - Math.sqrt(a) * data) / Math.sqrt(1 - a);
  return predicts === "v" ? Math.sqrt(a) * noise - Math.sqrt(1 - a) * data : noise;
}

function solve(solver: Solver, levels: readonly Level[], predicts: "epsilon" | "v", s: number): number {
  let x = exact(levels[0]?.alphaBar ?? 0, s, START);
  let before = 0;
  solver(levels, predicts, 0).forEach(({ next, data }, i) => {
    const m = network(predicts, levels[i]?.alphaBar ?? 0, s, x);
    const now = data.latent * x + data.model * m;
    x = next.latent * x + next.model * m + next.data * before;
    before = now;
  });
  return x;
}

test.each([
  ["ddim", 1],
  ["euler", 1],
  ["dpmSolver", 2],
] as const)("%s converges with order %i, for epsilon and for v", (name, order) => {
  const solver = solvers[name] ?? ddim;
  for (const predicts of ["epsilon", "v"] as const) {
    const error = (steps: number) => {
      const levels = evenLevels(steps);
      return Math.abs(solve(solver, levels, predicts, DEVIATION) - exact(levels.at(-1)?.alphaBar ?? 0, DEVIATION, START));
    };
    // Halving the steps' length divides the error by 2^order; 160 steps are within 10 % of that limit, and 1e-3 of the solution.
    const found = Math.log2(error(160) / error(320));
    expect(found, predicts).toBeGreaterThan(order - 0.1);
    expect(found, predicts).toBeLessThan(order + 0.1);
    expect(error(320)).toBeLessThan(order === 1 ? 5e-3 : 5e-5);
  }
});

test("with data at one point every method is exact at any number of steps", () => {
  const bars = alphaBars("scaled-linear", [0.00085, 0.012], 1000);
  for (const solver of Object.values(solvers)) {
    for (const predicts of ["epsilon", "v"] as const) {
      for (const steps of [1, 2, 5, 20]) {
        const levels = evenLevels(steps);
        // Rounding in f64 only, through at most 20 steps whose coefficients stay below 30.
        expect(solve(solver, levels, predicts, 0)).toBeCloseTo(exact(levels.at(-1)?.alphaBar ?? 0, 0, START), 11);
        expect(solve(solver, trailingLevels(bars, steps), predicts, 0)).toBeCloseTo(MEAN, 11);
      }
    }
  }
});

test("Euler between the same levels is DDIM without noise (Song et al., 2021, section 4.3)", () => {
  const levels = trailingLevels(alphaBars("cosine", [0.00085, 0.012], 1000), 10);
  const pairs = euler(levels, "v", 0).map((step, i) => [step, ddim(levels, "v", 0)[i]] as const);
  for (const [one, other] of pairs) {
    // At the first level sqrt(ā) is 5e-5, so Euler's form loses five of sixteen digits.
    expect(one.next.latent).toBeCloseTo(other?.next.latent ?? Number.NaN, 9);
    expect(one.next.model).toBeCloseTo(other?.next.model ?? Number.NaN, 9);
  }
});

test("DDIM with eta 1 keeps the variance, with error of first order", () => {
  const error = (steps: number) => {
    const levels = evenLevels(steps);
    const a0 = levels[0]?.alphaBar ?? 0;
    let variance = spread(a0, DEVIATION) ** 2;
    ddim(levels, "epsilon", 1).forEach(({ next }, i) => {
      const a = levels[i]?.alphaBar ?? 0;
      const slope = network("epsilon", a, DEVIATION, 1) - network("epsilon", a, DEVIATION, 0);
      variance = (next.latent + next.model * slope) ** 2 * variance + next.noise ** 2;
    });
    return Math.abs(variance - spread(levels.at(-1)?.alphaBar ?? 0, DEVIATION) ** 2);
  };
  const found = Math.log2(error(320) / error(640));
  expect(found).toBeGreaterThan(0.9);
  expect(found).toBeLessThan(1.1);
  expect(error(640)).toBeLessThan(5e-3);
});

test("DDIM's noise: its variance for eta 1 is DDPM's posterior variance (Ho et al., 2020, equation 7)", () => {
  const bars = alphaBars("scaled-linear", [0.00085, 0.012], 1000);
  const [a = 0, p = 0] = [bars[500], bars[499]];
  const [step] = ddim(
    [
      { time: 500, alphaBar: a },
      { time: 499, alphaBar: p },
    ],
    "epsilon",
    1,
  );
  const beta = 1 - a / p;
  expect((step?.next.noise ?? 0) ** 2).toBeCloseTo(((1 - p) / (1 - a)) * beta, 14);
  // The posterior's mean: (x - beta / sqrt(1 - ā) noise) / sqrt(alpha), the same paper's equation 11.
  expect(step?.next.latent).toBeCloseTo(1 / Math.sqrt(1 - beta), 12);
  expect(step?.next.model).toBeCloseTo(-beta / Math.sqrt(1 - a) / Math.sqrt(1 - beta), 12);
});

test("DPM-Solver++(2M)'s second step is the paper's algorithm 2", () => {
  const levels: Level[] = [0.2, 0.5, 0.9].map((alphaBar, time) => ({ time, alphaBar }));
  const [l0 = 0, l1 = 0, l2 = 0] = levels.map(({ alphaBar: a }) => Math.log(Math.sqrt(a) / Math.sqrt(1 - a)));
  const step = dpmSolver(levels, "epsilon", 0)[1];
  const [x, eps, before] = [0.3, -0.8, 0.25];
  const data = (x - Math.sqrt(0.5) * eps) / Math.sqrt(0.5);
  const [h, r] = [l2 - l1, (l1 - l0) / (l2 - l1)];
  const extrapolated = (1 + 1 / (2 * r)) * data - (1 / (2 * r)) * before;
  const expected = (Math.sqrt(0.1) / Math.sqrt(0.5)) * x - Math.sqrt(0.9) * (Math.exp(-h) - 1) * extrapolated;
  expect((step?.next.latent ?? 0) * x + (step?.next.model ?? 0) * eps + (step?.next.data ?? 0) * before).toBeCloseTo(expected, 14);
});

test("guidance and the update are element by element, in f32", () => {
  expect([...guide(Float32Array.of(3, 1, 1, 2), 4)]).toEqual([1 + 4 * 2, 2 - 4]);
  const step = { time: 0, next: { latent: 2, model: 3, data: 5, noise: 7 }, data: { latent: 11, model: 13 } };
  const one = (x: number) => Float32Array.of(x);
  expect(advance(step, one(1), one(10), one(100), one(1000))).toEqual({ latent: one(7532), data: one(141) });
  expect(advance(step, one(1), one(10), undefined, undefined).latent).toEqual(one(32));
});
