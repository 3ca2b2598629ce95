/** Noise schedules against published constants, and the times that samplers visit. */
import { expect, test } from "vitest";
import { samplerSteps } from "../../../runtime/sampler/sampler.ts";
import { alphaBars, leadingLevels, trailingLevels } from "../../../runtime/sampler/schedule.ts";

const BETAS = [0.00085, 0.012] as const;
const at = (bars: Float64Array, i: number) => bars[i] ?? Number.NaN;

test("scaled-linear is Stable Diffusion v1's", () => {
  const bars = alphaBars("scaled-linear", BETAS, 1000);
  expect(bars).toHaveLength(1000);
  // CompVis's alphas_cumprod, as printed with five digits.
  expect(at(bars, 0)).toBeCloseTo(0.99915, 10);
  expect(at(bars, 999)).toBeCloseTo(0.00466, 5);
  // The sigmas that k-diffusion prints for it: 0.0292 and 14.6146.
  expect(Math.sqrt((1 - at(bars, 0)) / at(bars, 0))).toBeCloseTo(0.0292, 4);
  expect(Math.sqrt((1 - at(bars, 999)) / at(bars, 999))).toBeCloseTo(14.6146, 4);
});

test("linear is that of denoising diffusion (Ho et al., 2020)", () => {
  const bars = alphaBars("linear", [0.0001, 0.02], 1000);
  expect(at(bars, 0)).toBe(1 - 0.0001);
  // The last alpha-bar, as every implementation prints it.
  expect(at(bars, 999) / 4.0358e-5).toBeCloseTo(1, 4);
});

test("cosine follows its closed form until betas are clipped at 0.999", () => {
  const bars = alphaBars("cosine", BETAS, 1000);
  const f = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  for (const i of [0, 10, 499, 900, 998]) expect(at(bars, i) / (f((i + 1) / 1000) / f(0))).toBeCloseTo(1, 9);
  expect(at(bars, 999) / at(bars, 998)).toBeCloseTo(0.001, 12);
});

test("times of 50 steps: CompVis's from 981 to 1, trailing ones from 999 to 19", () => {
  const bars = alphaBars("scaled-linear", BETAS, 1000);
  const leading = leadingLevels(bars, 50);
  expect(leading.map(({ time }) => time)).toEqual([...Array.from({ length: 50 }, (_, i) => 981 - 20 * i), -1]);
  expect(leading.at(-1)?.alphaBar).toBe(at(bars, 0));
  const trailing = trailingLevels(bars, 50);
  expect(trailing.map(({ time }) => time)).toEqual([...Array.from({ length: 50 }, (_, i) => 999 - 20 * i), -1]);
  expect(trailing.at(-1)?.alphaBar).toBe(1);
  // 1000 / 3 is not whole: 1000, 666.67, 333.33 are rounded before one is taken off.
  expect(trailingLevels(bars, 3).map(({ time }) => time)).toEqual([999, 666, 332, -1]);
});

test("every number of steps from 1 to trainSteps gives finite coefficients for all methods", () => {
  for (const method of ["ddim", "dpm++2m", "euler"] as const) {
    for (const schedule of ["scaled-linear", "linear", "cosine"] as const) {
      for (const predicts of ["epsilon", "v"] as const) {
        for (const steps of [1, 2, 3, 7, 50, 333, 600, 999, 1000]) {
          const plan = samplerSteps({ method, schedule, predicts, steps, betas: BETAS, trainSteps: 1000, eta: 1 });
          expect(plan).toHaveLength(steps);
          const numbers = plan.flatMap(({ time, next, data }) => [time, ...Object.values(next), ...Object.values(data)]);
          if (!numbers.every(Number.isFinite)) expect.fail(`${method} ${schedule} ${predicts} ${steps}`);
        }
      }
    }
  }
});
