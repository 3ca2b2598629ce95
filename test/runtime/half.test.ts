/** 16-bit numbers: every bit pattern there and back, and the rounding of what lies between. */
import { expect, test } from "vitest";
import { brainToFloat, floatsToHalves, floatToBrain, floatToHalf, halfToFloat, halvesToFloats } from "../../runtime/half.ts";

test("known halves (IEEE 754-2019, table 3.5's extremes)", () => {
  const known: readonly (readonly [number, number])[] = [
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ];
  for (const [bits, value] of known) {
    expect(halfToFloat(bits)).toBe(value);
    expect(floatToHalf(value)).toBe(bits);
  }
  expect(Object.is(halfToFloat(0x8000), -0)).toBe(true);
});

test("all 65,536 halves and bfloat16s come back as they were; NaN stays NaN", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const half = halfToFloat(bits);
    if (Number.isNaN(half)) expect(halfToFloat(floatToHalf(half))).toBeNaN();
    else if (floatToHalf(half) !== bits) expect.fail(`half ${bits}`);
    const brain = brainToFloat(bits);
    if (Number.isNaN(brain)) expect(brainToFloat(floatToBrain(brain))).toBeNaN();
    else if (floatToBrain(brain) !== bits) expect.fail(`bfloat16 ${bits}`);
  }
});

test("between two halves the nearer wins, and half-way the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [halfToFloat(bits), halfToFloat(bits + 1)];
    // The middle and its neighbours at a quarter have at most 13 significant bits: exact in f32.
    const middle = (low + high) / 2;
    if (floatToHalf(middle) !== (bits % 2 === 0 ? bits : bits + 1)) expect.fail(`tie above ${bits}`);
    if (floatToHalf((low + middle) / 2) !== bits || floatToHalf((middle + high) / 2) !== bits + 1) expect.fail(`quarter above ${bits}`);
  }
  // 65,520 is half-way to 2^16: IEEE rounds it to infinity, and all below to the largest half.
  expect(floatToHalf(65519.99)).toBe(0x7bff);
  expect(floatToHalf(65520)).toBe(0x7c00);
  expect(floatToHalf(2 ** -25)).toBe(0);
  expect(floatToHalf(1.01 * 2 ** -25)).toBe(1);
  expect(floatToHalf(-(2 ** -26))).toBe(0x8000);
  expect(floatToBrain(1 + 2 ** -8)).toBe(0x3f80);
  expect(floatToBrain(1 + 3 * 2 ** -8)).toBe(0x3f82);
});

test("arrays", () => {
  expect([...floatsToHalves(Float32Array.of(1, -2, 65504))]).toEqual([0x3c00, 0xc000, 0x7bff]);
  expect([...halvesToFloats(Uint16Array.of(0x3c00, 0xc000, 1))]).toEqual([1, -2, 2 ** -24]);
});
