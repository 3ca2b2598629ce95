/** Checks the counter-based random numbers against Random123's known answers, other people's quantiles and the Python port. */
import { describe, expect, it } from "vitest";
import { normals, philox, uniforms } from "../../runtime/sampler/random.ts";

const hex = (words: readonly number[]) => words.map((w) => w.toString(16).padStart(8, "0")).join(" ");

describe("philox", () => {
  // The three vectors that Random123 publishes for philox4x32 with 10 rounds.
  it("answers Random123's known-answer vectors", () => {
    expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
    const ones = 0xffffffff;
    expect(hex(philox([ones, ones, ones, ones], [ones, ones]))).toBe("408f276d 41c83b0e a20bc7c6 6d5451fd");
    const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const;
    expect(hex(philox(pi, [0xa4093822, 0x299f31d0]))).toBe("d16cfe09 94fdcceb 5001e420 24126ea1");
  });
});

describe("uniforms", () => {
  it("are the top 24 bits of the words of the stream", () => {
    const [first] = uniforms(0, 0, 1);
    expect(first).toBe(0x6627e8 / 2 ** 24);
  });

  it("have the moments of a uniform distribution and never reach 1", () => {
    const x = uniforms(11, 2, 40_000);
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    // Five standard errors: 5 * 0.289 / 200.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0073);
    expect(Math.max(...x)).toBeLessThan(1);
    expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
  });
});

it("gives a stream from any block of four on", () => {
  expect([...uniforms(3, 7, 9, 8)]).toEqual([...uniforms(3, 7, 17)].slice(8));
  expect([...normals(3, 7, 5, 4)]).toEqual([...normals(3, 7, 9)].slice(4));
  expect(() => normals(3, 7, 5, 2)).toThrow("begins no block of four");
});

describe("normals", () => {
  it("agree bit for bit with the Python port", () => {
    // Printed by golden/reference/counter_random.py: normals(7, 3, 4), and the f64 sum of normals(5, 9, 100000).
    expect([...normals(7, 3, 4)]).toEqual([0.23418739438056946, -1.1562820672988892, -0.983366847038269, 0.25278133153915405]);
    expect(normals(5, 9, 100_000).reduce((a, b) => a + b, 0)).toBeCloseTo(449.9519289465452, 6);
  });

  it("have the moments and the tails of a normal distribution", () => {
    const x = normals(1, 0, 100_000);
    const moment = (power: number) => x.reduce((a, b) => a + b ** power, 0) / x.length;
    // Five standard errors each: 1/sqrt(n), sqrt(2/n), sqrt(96/n).
    expect(Math.abs(moment(1))).toBeLessThan(0.016);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.023);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.16);
    // P(|x| > 3) = 0.0026998; five standard errors of 100,000 draws.
    expect(Math.abs(x.filter((v) => Math.abs(v) > 3).length / x.length - 0.0026998)).toBeLessThan(0.00082);
  });

  it("depend on the seed's high bits, on the stream, and not on the count", () => {
    expect([...normals(1 + 2 ** 32, 0, 8)]).not.toEqual([...normals(1, 0, 8)]);
    expect([...normals(1, 1, 8)]).not.toEqual([...normals(1, 0, 8)]);
    expect([...normals(1, 0, 5)]).toEqual([...normals(1, 0, 8).subarray(0, 5)]);
  });
});
