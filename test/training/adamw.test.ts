// What the golden run cannot tell apart, worked out by hand: where ε stands, the 1e-6 of clipping, the first averages; and the mean of parts.

import { expect, test } from "vitest";
import { adamwStep, averageKept, clipFactor, flatten, freshState, meanGradient, sharesOf, unflatten } from "../../training/adamw.ts";
import { learningRateAt } from "../../training/learning-rate.ts";
import { tinyStage } from "./tiny.ts";

const figures = { ...tinyStage(1), eps: 1e-8, ema: 0.999 };

test("ε is added to the root: at a gradient of its size half a step is taken; decay is multiplied by the rate", () => {
  const trained = [
    { path: "plain", rate: 1, weightDecay: 0 },
    { path: "slow", rate: 0.5, weightDecay: 0.1 },
  ];
  const start = new Map(trained.map(({ path }) => [path, freshState(Float32Array.of(1), 0.999)]));
  const flat = flatten(trained, start);
  adamwStep(flat, Float32Array.of(1e-8, 1e-8), 1, { step: 1, learningRate: 0.1 }, figures);
  const state = unflatten(flat);
  // The corrected averages are g and g²: 0.1 · g / (|g| + ε).
  expect(state.get("plain")?.value[0]).toBeCloseTo(1 - 0.05, 5);
  expect(state.get("slow")?.value[0]).toBeCloseTo(1 - 0.05 * 0.1 - 0.025, 5);
  // At step 1 an average keeps 2 / 11 of where it began.
  expect(state.get("plain")?.average?.[0]).toBeCloseTo(1 - (9 / 11) * 0.05, 5);
  // What is given in stays as it was.
  expect(start.get("plain")?.value[0]).toBe(1);
  expect([averageKept(1, 0.999), averageKept(90, 0.9), averageKept(1e6, 0.999)]).toEqual([2 / 11, 0.9, 0.999]);
});

test("shares of several threads are each weight once, whose next values are those of one thread", () => {
  const trained = [1, 0.5, 2].map((rate, i) => ({ path: `w${i}`, rate, weightDecay: rate / 10 }));
  const start = new Map(
    trained.map(({ path }, i) => [
      path,
      freshState(
        Float32Array.from({ length: 3 + 4 * i }, (_, at) => at - i),
        0.9,
      ),
    ]),
  );
  const gradient = Float32Array.from({ length: 21 }, (_, at) => Math.sin(at));
  const after = (threads: number) => {
    const flat = flatten(trained, start);
    const shares = sharesOf(flat.segments, threads);
    expect(shares.map((share) => share.reduce((sum, one) => sum + one.end - one.start, 0))).toEqual(
      { 1: [21], 2: [11, 10], 5: [4, 4, 5, 4, 4] }[threads],
    );
    // The last thread may be the first.
    for (const segments of shares.toReversed()) adamwStep({ ...flat, segments }, gradient, 0.7, { step: 3, learningRate: 0.1 }, figures);
    return unflatten(flat);
  };
  expect(after(2)).toEqual(after(1));
  expect(after(5)).toEqual(after(1));
});

test("clipping divides by the norm and 1e-6, as PyTorch does, and never stretches", () => {
  expect(clipFactor(1e-6, 1e-6)).toBeCloseTo(0.5, 12);
  expect(clipFactor(4, 1)).toBeCloseTo(0.25, 6);
  expect(clipFactor(0.5, 1)).toBe(1);
  expect(clipFactor(1e9, null)).toBe(1);
});

test("the mean of any number of parts, and its norm", () => {
  const parts = [Float32Array.of(3, 0), Float32Array.of(6, 12), Float32Array.of(0, 0)];
  expect(meanGradient(parts)).toBe(5);
  expect([...(parts[0] ?? [])]).toEqual([3, 4]);
  expect(meanGradient([Float32Array.of(3, 4)])).toBe(5);
});

test("the rate rises to its full height and falls to its last, or stays where nothing is said of the end", () => {
  const rates = { ...figures, learningRate: 1, warmup: 4, finalRate: 0.2 };
  expect([1, 2, 4].map((step) => learningRateAt(step, 104, rates))).toEqual([0.25, 0.5, 1]);
  // Half way down: the mean of both ends.
  expect(learningRateAt(54, 104, rates)).toBeCloseTo(0.6, 12);
  expect(learningRateAt(104, 104, rates)).toBeCloseTo(0.2, 12);
  expect(learningRateAt(54, Number.POSITIVE_INFINITY, rates)).toBe(1);
  expect(learningRateAt(104, 104, { ...rates, decay: "constant" })).toBe(1);
  expect(learningRateAt(1, 1, { ...rates, warmup: 0 })).toBeCloseTo(0.2, 12);
});
