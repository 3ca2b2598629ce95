// Latents become mean 0 and deviation 1 by the layers around them, and what is read of them stays what it was: by hand on two channels; how steps and time are shared.

import { expect, test } from "vitest";
import { ChannelFigures, normalised } from "../../training/measure.ts";
import { StageClock, sharedSteps, stepsWithin } from "../../training/plan.ts";

/** A linear layer [out, in] on numbers, and its bias. */
const apply = (weight: Float32Array, bias: Float32Array, x: readonly number[]) =>
  [...bias].map((b, row) => x.reduce((sum, one, i) => sum + (weight[row * x.length + i] ?? 0) * one, b));

test("figures are of each channel over all clips and places", () => {
  const figures = new ChannelFigures([2, 2, 1, 2], 1);
  // [F, Z, H, W]: channel 0 has 1, 3, 5, 7; channel 1 always 4.
  figures.add(Float32Array.of(1, 3, 4, 4, 5, 7, 4, 4));
  const { mean, deviation } = figures.figures();
  expect([...mean]).toEqual([4, 4]);
  expect(deviation[0]).toBeCloseTo(Math.sqrt(5), 12);
  expect(deviation[1]).toBe(0);
});

test("the writer's first rows are brought to deviation 1, and readers of what comes give what they gave", () => {
  // Three rows, of which two are latents: what the third makes is no latent. Latents are twice what the writer gives, and halved before they are read.
  const weights = new Map([
    ["write.weight", Float32Array.of(1, 2, -1, 0.5, 3, 3)],
    ["write.bias", Float32Array.of(0.5, -2, 9)],
    ["read.weight", Float32Array.of(1, -1, 0.25, 2, 0, 1)],
    ["read.bias", Float32Array.of(0, 1, 2)],
  ]);
  const of = (path: string, all: ReadonlyMap<string, Float32Array> = weights) => all.get(path) ?? new Float32Array();
  const xs = [
    [1, 0],
    [0, 1],
    [2, -1],
    [-3, 2],
  ];
  const latents = (all: ReadonlyMap<string, Float32Array>) =>
    xs.map((x) =>
      apply(of("write.weight", all), of("write.bias", all), x)
        .slice(0, 2)
        .map((one) => 2 * one),
    );
  const before = latents(weights);
  const figures = new ChannelFigures([2], 0);
  for (const z of before) figures.add(Float32Array.from(z));
  const stage = {
    writer: { weight: "write.weight", bias: "write.bias", scale: 2 },
    readers: [{ weight: "read.weight", bias: "read.bias", scale: 0.5 }],
  };
  const after = normalised(stage, figures.figures(), weights);
  const now = latents(after);
  for (const channel of [0, 1]) {
    const values = now.map((z) => z[channel] ?? 0);
    const mean = values.reduce((a, b) => a + b) / 4;
    // f32 weights of size 3.
    expect(mean).toBeCloseTo(0, 5);
    expect(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 4).toBeCloseTo(1, 5);
  }
  const read = (z: readonly number[], all: ReadonlyMap<string, Float32Array>) =>
    apply(
      of("read.weight", all),
      of("read.bias", all),
      z.map((one) => 0.5 * one),
    );
  for (const [i, z] of now.entries())
    for (const [row, value] of read(z, after).entries()) expect(value).toBeCloseTo(read(before[i] ?? [], weights)[row] ?? 0, 5);
  expect([...of("write.weight", after)].slice(4)).toEqual([3, 3]);
  expect(of("write.bias", after)[2]).toBe(9);
  // The weights that came in stay as they were.
  expect(of("write.bias")[0]).toBe(0.5);
});

test("steps are shared by what stages declare, all of them, and each has one", () => {
  expect(sharedSteps(100, [5000, 1000, 20000])).toEqual([19, 4, 77]);
  expect(sharedSteps(26, [5000, 1000, 20000])).toEqual([5, 1, 20]);
  expect(sharedSteps(2, [1, 1, 1000])).toEqual([1, 1, 1]);
});

test("time becomes steps, less what clips take that are encoded when they are first drawn", () => {
  const timed = { left: 100, perStep: 0.5, perClip: 0, clips: 1000, encoded: 0, batch: 8 };
  expect(stepsWithin(timed)).toBe(200);
  // Of 1000 clips, each is still new after n draws with 0.999ⁿ.
  const cold = stepsWithin({ ...timed, perClip: 0.1 });
  const seen = 1000 * (1 - 0.999 ** (8 * cold));
  expect(cold * 0.5 + seen * 0.1).toBeLessThanOrEqual(100);
  expect((cold + 1) * 0.5 + 1000 * (1 - 0.999 ** (8 * (cold + 1))) * 0.1).toBeGreaterThan(100);
  expect(stepsWithin({ ...timed, perClip: 0.1, encoded: 1000 })).toBe(200);
  expect(stepsWithin({ ...timed, left: 0.2 })).toBe(0);
});

test("steps and clips that are encoded are timed each by itself, and a batch of known latents counts to the step", () => {
  const clock = new StageClock();
  expect(clock.means(3)).toEqual({ perStep: 3, perClip: 0 });
  clock.drew(1600, 8);
  clock.stepped(500);
  clock.drew(400, 2);
  clock.stepped(700);
  expect(clock.means(3)).toEqual({ perStep: 0.6, perClip: 0.2 });
  clock.drew(100, 0);
  expect(clock.means(3).perStep).toBeCloseTo(0.7, 12);
});
