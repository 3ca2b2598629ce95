// Convolutions, their transposes and pools on numbers worked out by hand.

import { describe, expect, it } from "vitest";
import { apply, given, upward } from "./by-hand.ts";

describe("conv2d", () => {
  const ones = new Array<number>(9).fill(1);

  it("sums the neighbours, zeros beyond the border", () => {
    expect(apply("conv2d", [upward([1, 1, 3, 3])], { out: 1, kernel: 3 }, { weight: ones, bias: [0.5] }).data).toEqual([
      12.5, 21.5, 16.5, 27.5, 45.5, 33.5, 24.5, 39.5, 28.5,
    ]);
  });

  it("with padding at the end reads each second place from the first on", () => {
    const made = apply("conv2d", [upward([1, 1, 4, 4])], { out: 1, kernel: 3, stride: 2, padding: "end", bias: false }, { weight: ones });
    // The windows start at (0,0), (0,2), (2,0), (2,2); row and column 4 are zeros.
    expect(made).toEqual({ shape: [1, 1, 2, 2], data: [54, 45, 72, 54] });
  });

  it("with padding on both sides and stride 2 starts before the first place", () => {
    const made = apply("conv2d", [upward([1, 1, 4, 4])], { out: 1, kernel: 3, stride: 2, bias: false }, { weight: ones });
    expect(made).toEqual({ shape: [1, 1, 2, 2], data: [14, 30, 57, 99] });
  });

  it("keeps frames apart and mixes channels by the weight's second axis", () => {
    const made = apply("conv2d", [upward([1, 2, 2, 1, 1])], { out: 2, kernel: 1, bias: false }, { weight: [1, 10, 100, 1000] });
    expect(made).toEqual({ shape: [1, 2, 2, 1, 1], data: [21, 2100, 43, 4300] });
  });
});

describe("convolutions along one and three axes", () => {
  const line = (channels: number, length: number) => upward([1, channels, length]);

  it("causal: each place sums itself and those before it", () => {
    const made = apply("conv1d", [line(1, 5)], { out: 1, kernel: 3, padding: "causal" }, { weight: [100, 10, 1], bias: [0] });
    expect(made.data).toEqual([1, 12, 123, 234, 345]);
  });

  it("dilated: the taps stand apart, and the zeros with them", () => {
    const made = apply("conv1d", [line(1, 5)], { out: 1, kernel: 3, dilation: 2, bias: false }, { weight: [100, 10, 1] });
    expect(made.data).toEqual([13, 24, 135, 240, 350]);
  });

  it("without padding drops what a stride leaves over", () => {
    const made = apply("conv1d", [line(1, 6)], { out: 1, kernel: 2, stride: 3, padding: "none", bias: false }, { weight: [10, 1] });
    expect(made).toEqual({ shape: [1, 1, 2], data: [12, 45] });
  });

  it("of an even kernel keeps the size: one more zero stands at the end", () => {
    const made = apply("conv1d", [line(1, 3)], { out: 1, kernel: 2, bias: false }, { weight: [10, 1] });
    expect(made.data).toEqual([12, 23, 30]);
  });

  it("in groups: each channel of the result reads the channels of its group alone", () => {
    const made = apply("conv1d", [line(4, 1)], { out: 2, kernel: 1, groups: 2, bias: false }, { weight: [1, 10, 100, 1000] });
    expect(made.data).toEqual([1 + 20, 300 + 4000]);
    const apart = apply("conv1d", [line(2, 3)], { out: 4, kernel: 1, groups: 2, bias: false }, { weight: [1, 10, 100, 1000] });
    expect(apart.data).toEqual([1, 2, 3, 10, 20, 30, 400, 500, 600, 4000, 5000, 6000]);
  });

  it("along three axes: kernel, stride and padding of each", () => {
    const attributes = { out: 1, kernel: [2, 1, 2], stride: [1, 2, 1], padding: ["causal", "none", "none"], bias: false } as const;
    const made = apply("conv3d", [upward([1, 1, 2, 2, 3])], attributes, { weight: [1000, 100, 10, 1] });
    // Frames [[1, 2, 3], [4, 5, 6]] and [[7, 8, 9], [10, 11, 12]], of which the first rows are read.
    expect(made).toEqual({ shape: [1, 1, 2, 1, 2], data: [12, 23, 1000 + 200 + 70 + 8, 2000 + 300 + 80 + 9] });
  });
});

describe("transposed convolutions", () => {
  const line = upward([1, 1, 3]);

  it("add each number times the kernel where they overlap", () => {
    const made = apply("convTranspose1d", [line], { out: 1, kernel: 3, stride: 2, padding: "none" }, { weight: [1, 10, 100], bias: [0.5] });
    // 1, 10, 100 from place 0; 2, 20, 200 from place 2; 3, 30, 300 from place 4.
    expect(made).toEqual({ shape: [1, 1, 7], data: [1.5, 10.5, 102.5, 20.5, 203.5, 30.5, 300.5] });
  });

  it("are cut at both ends, or all at the end", () => {
    const cut = (padding: string | number) =>
      apply("convTranspose1d", [line], { out: 1, kernel: 3, stride: 2, padding, bias: false }, { weight: [1, 10, 100] }).data;
    expect(cut("same")).toEqual([10, 102, 20, 203, 30, 300]);
    expect(cut("causal")).toEqual([1, 10, 102, 20, 203, 30]);
    expect(cut(1)).toEqual([10, 102, 20, 203, 30]);
  });

  it("read the weight as [channels, results of a group, taps]", () => {
    const x = given([1, 2, 1], [1, 2]);
    const made = apply("convTranspose1d", [x], { out: 2, kernel: 1, bias: false }, { weight: [1, 10, 100, 1000] });
    expect(made.data).toEqual([1 + 200, 10 + 2000]);
    const apart = apply("convTranspose1d", [x], { out: 4, kernel: 1, groups: 2, bias: false }, { weight: [1, 10, 100, 1000] });
    expect(apart.data).toEqual([1, 10, 200, 2000]);
  });

  it("along two axes put each tap where its strides say", () => {
    const made = apply(
      "convTranspose2d",
      [upward([1, 1, 1, 2])],
      { out: 1, kernel: [2, 1], stride: [2, 3], padding: "none", bias: false },
      { weight: [1, 10] },
    );
    expect(made).toEqual({ shape: [1, 1, 2, 4], data: [1, 0, 0, 2, 10, 0, 0, 20] });
  });
});

describe("pools", () => {
  it("are the means of windows side by side, or as far apart as the stride", () => {
    expect(apply("averagePool1d", [upward([5])], { kernel: 2 })).toEqual({ shape: [2], data: [1.5, 3.5] });
    expect(apply("averagePool1d", [upward([4])], { kernel: 2, stride: 1 }).data).toEqual([1.5, 2.5, 3.5]);
    expect(apply("averagePool2d", [upward([1, 2, 4])], { kernel: 2 })).toEqual({ shape: [1, 1, 2], data: [3.5, 5.5] });
    expect(apply("averagePool3d", [upward([2, 2, 2])], { kernel: [2, 1, 2] })).toEqual({ shape: [1, 2, 1], data: [3.5, 5.5] });
  });
});
