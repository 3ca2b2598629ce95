// Elements in pieces of any length: a part of them, and the same numbers in another type.

import { expect, test } from "vitest";
import { as, type Elements, type FloatType, isFloat, toWrite, within } from "../../../cli/weights/streams.ts";
import { bytesOf, numbers, tensor } from "./by-hand.ts";

const elements = (dtype: FloatType, values: readonly number[], piece: number) =>
  tensor([values.length], { dtype, values, piece }) as Elements;
const bytes = (stream: Elements) => Buffer.concat([...stream.chunks()]);
/** Each is a half exactly, but for the last, which no bfloat16 is. */
const values = [0, -0, 1, -1.5, 2 ** -24, 65504, 1.0009765625];

test.each(["F32", "F16", "BF16", "F64"] as const)("%s in the same type keeps its bytes, in pieces that cut elements", (dtype) => {
  for (const piece of [1, 3, 7, 1000]) {
    expect(bytes(as(dtype, elements(dtype, values, piece))).equals(bytesOf[dtype](Float32Array.from(values)))).toBe(true);
  }
});

test.each<[FloatType, FloatType]>([
  ["F16", "F32"],
  ["F32", "F16"],
  ["F64", "F32"],
  ["F64", "F16"],
])("%s as %s, in pieces that cut elements", (from, to) => {
  for (const piece of [1, 3, 7, 1000]) {
    const found = bytes(as(to, elements(from, values, piece)));
    expect(found.equals(bytesOf[to](Float32Array.from(values)))).toBe(true);
  }
});

test("bfloat16 is an f32 without its lower half, rounded to even", () => {
  // 1 + 2^-8 lies between 1 and 1 + 2^-7; 1 + 3 · 2^-8 between 1 + 2^-7 and 1 + 2^-6.
  expect(numbers(as("BF16", elements("F32", [1 + 2 ** -8, 1 + 3 * 2 ** -8, -3], 5)))).toEqual([1, 1 + 2 ** -6, -3]);
  expect(numbers(as("F32", elements("BF16", [1 + 2 ** -7, -3], 3)))).toEqual([1 + 2 ** -7, -3]);
});

test("what lies in a file is written from there: whole, or the one run of a window; other windows and other types are made", () => {
  const extent = { descriptor: 3, start: 100, end: 148, file: "f" };
  const stored = { ...elements("F32", [], 1), extent };
  expect([...toWrite(as("F32", stored))]).toEqual([extent]);
  expect([...toWrite(within(stored, { period: 12, start: 4, length: 2 }))]).toEqual([{ ...extent, start: 116, end: 124 }]);
  expect(within(stored, { period: 6, start: 0, length: 2 }).extent).toBeUndefined();
  expect(as("F16", stored).extent).toBeUndefined();
});

test("a window of every period, across pieces", () => {
  const counting = Array.from({ length: 12 }, (_, i) => i);
  for (const piece of [1, 5, 8, 100]) {
    const stream = elements("F32", counting, piece);
    expect(numbers(within(stream, { period: 12, start: 4, length: 4 }))).toEqual([4, 5, 6, 7]);
    expect(numbers(within(stream, { period: 4, start: 0, length: 3 }))).toEqual([0, 1, 2, 4, 5, 6, 8, 9, 10]);
    expect(numbers(within(stream, { period: 6, start: 5, length: 1 }))).toEqual([5, 11]);
  }
});

test("whole numbers are no weights", () => {
  expect([isFloat("BF16"), isFloat("I8"), isFloat("U8"), isFloat("I64")]).toEqual([true, false, false, false]);
});
