// Exponentials and logarithms by fixed operations, against published digits and the engine's own.

import { expect, test } from "vitest";
import { exponential, logarithm } from "../../../compiler/ops/exponential.ts";

/** A few roundings of a double, 1.1e-16 each. */
const rounding = 4e-16;

test("published digits (Abramowitz and Stegun, table 1.1)", () => {
  for (const [x, digits] of [
    [1, Math.E],
    [-1, 0.36787944117144233],
    [2, 7.38905609893065],
    [10, 22026.465794806718],
    [-10, 4.5399929762484854e-5],
    [0, 1],
  ] as const) {
    expect(Math.abs(exponential(x) / digits - 1)).toBeLessThanOrEqual(rounding);
  }
  for (const [x, digits] of [
    [2, Math.LN2],
    [3, 1.0986122886681098],
    [10, Math.LN10],
    [10000, 9.210340371976184],
  ] as const) {
    expect(Math.abs(logarithm(x) / digits - 1)).toBeLessThanOrEqual(rounding);
  }
  expect(logarithm(1)).toBe(0);
});

test("near the engine's own over all of their range, and nothing hangs at its ends", () => {
  for (let x = -700; x <= 700; x += 0.37) expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThanOrEqual(rounding);
  for (let x = 1e-300; x < 1e300; x *= 7.3) expect(Math.abs(logarithm(x) / Math.log(x) - 1)).toBeLessThanOrEqual(rounding);
  expect([exponential(-1e300), exponential(1e300), exponential(-749) >= 0, Number.isFinite(logarithm(5e-324))]).toEqual([
    0,
    Infinity,
    true,
    true,
  ]);
});
