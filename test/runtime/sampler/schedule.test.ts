/** Noise schedules against published constants, and the times that samplers visit against numpy's. */

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { networkRuns } from "../../../compiler/package/methods.ts";
import { type SamplerFigures, withDefaults } from "../../../compiler/package/sampler-figures.ts";
import { methods } from "../../../dsl/sampling.ts";
import { levelsOf } from "../../../runtime/sampler/levels.ts";
import { trajectory } from "../../../runtime/sampler/sampler.ts";
import { alphaBars } from "../../../runtime/sampler/schedule.ts";

const BETAS = [0.00085, 0.012] as const;
const figuresOf = (given: object) =>
  withDefaults({
    guidance: 1,
    schedule: "scaled-linear",
    betas: BETAS,
    predicts: "v",
    trainSteps: 1000,
    ...given,
  }) as unknown as SamplerFigures;
const barsOf = (schedule: string, betas: readonly number[] = BETAS) => alphaBars(figuresOf({ schedule, betas }));
const timesOf = (given: object) => levelsOf(figuresOf(given)).levels.map(({ time }) => time);
const at = (bars: Float64Array, i: number) => bars[i] ?? Number.NaN;

test("scaled-linear is Stable Diffusion v1's", () => {
  const bars = barsOf("scaled-linear");
  expect(bars).toHaveLength(1000);
  // CompVis's alphas_cumprod, as printed with five digits.
  expect(at(bars, 0)).toBeCloseTo(0.99915, 10);
  expect(at(bars, 999)).toBeCloseTo(0.00466, 5);
  // The sigmas that k-diffusion prints for it: 0.0292 and 14.6146.
  expect(Math.sqrt((1 - at(bars, 0)) / at(bars, 0))).toBeCloseTo(0.0292, 4);
  expect(Math.sqrt((1 - at(bars, 999)) / at(bars, 999))).toBeCloseTo(14.6146, 4);
});

test("linear is that of denoising diffusion (Ho et al., 2020)", () => {
  const bars = barsOf("linear", [0.0001, 0.02]);
  expect(at(bars, 0)).toBe(1 - 0.0001);
  // The last alpha-bar, as every implementation prints it.
  expect(at(bars, 999) / 4.0358e-5).toBeCloseTo(1, 4);
});

test("cosine follows its closed form until betas are clipped at 0.999", () => {
  const bars = barsOf("cosine");
  const f = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  for (const i of [0, 10, 499, 900, 998]) expect(at(bars, i) / (f((i + 1) / 1000) / f(0))).toBeCloseTo(1, 9);
  expect(at(bars, 999) / at(bars, 998)).toBeCloseTo(0.001, 12);
});

test("times of 50 steps: CompVis's from 981 to 1, trailing ones from 999 to 19", () => {
  const { levels: leading } = levelsOf(figuresOf({ method: "ddim", steps: 50 }));
  expect(leading.map(({ time }) => time)).toEqual([...Array.from({ length: 50 }, (_, i) => 981 - 20 * i), -1]);
  expect(leading.at(-1)?.signal).toBe(Math.sqrt(at(barsOf("scaled-linear"), 0)));
  const { levels: trailing } = levelsOf(figuresOf({ method: "dpm++2m", steps: 50 }));
  expect(trailing.map(({ time }) => time)).toEqual([...Array.from({ length: 50 }, (_, i) => 999 - 20 * i), -1]);
  expect(trailing.at(-1)).toMatchObject({ signal: 1, noise: 0 });
  // 1000 / 3 is not whole: 1000, 666.67, 333.33 are rounded before one is taken off.
  expect(timesOf({ method: "euler", steps: 3 })).toEqual([999, 666, 332, -1]);
});

test("trailing times are numpy's for every number of steps: a half goes to the even neighbour", () => {
  const times = (steps: number) => timesOf({ method: "ddim", spacing: "trailing", steps });
  // (np.arange(1000, 0, -1000 / n).round() - 1) of numpy 2.4.6; 937.5 goes to 938, 812.5 to 812.
  expect(times(16)).toEqual([999, 937, 874, 811, 749, 687, 624, 561, 499, 437, 374, 311, 249, 187, 124, 61, -1]);
  expect(times(80).slice(0, 8)).toEqual([999, 987, 974, 961, 949, 937, 924, 911]);
  // sha256 of json.dumps([(np.arange(1000, 0, -1000 / n).round()[:n] - 1).astype(int).tolist() for n in range(1, 1001)], separators=(",", ":"))
  const all = Array.from({ length: 1000 }, (_, i) => times(i + 1).slice(0, -1));
  const hash = createHash("sha256").update(JSON.stringify(all)).digest("hex");
  expect(hash).toBe("2d2883a96a8f1b50b5df5929d6c1031d05bfe941cb1b9a1f462d560416351c08");
});

test("leading times of 30 steps are diffusers', 958 to 1, where CompVis takes 31 from 991", () => {
  const times = timesOf({ method: "ddim", steps: 30 });
  expect(times).toHaveLength(31);
  expect([times[0], times[1], times[29], times[30]]).toEqual([958, 925, 1, -1]);
});

test("every number of steps from 1 to trainSteps gives finite coefficients for all methods", () => {
  for (const method of methods) {
    for (const schedule of ["scaled-linear", "linear", "cosine"] as const) {
      for (const steps of [1, 2, 3, 4, 50, 999, 1000]) {
        if (method === "lcm" && steps > 50) continue;
        const figures = figuresOf({
          method,
          schedule,
          predicts: steps % 2 === 0 ? "v" : "epsilon",
          steps,
          eta: 1,
          skipPrk: steps % 2 === 0,
        });
        const plan = trajectory(figures).steps;
        expect(plan.length, method).toBe(networkRuns(figures));
        const numbers = plan.flatMap(({ time, rows }) => [time, ...rows.flat()]);
        if (!numbers.every(Number.isFinite)) expect.fail(`${method} ${schedule} ${steps}`);
      }
    }
  }
});
