// What batches are drawn from counters: the same examples however a step is divided, of the shares and levels that the stage declares.

import { expect, test } from "vitest";
import type { InputValue } from "../../compiler/graph/graph.ts";
import type { LossStage, TrainingInput } from "../../compiler/module/training.ts";
import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import { withDefaults } from "../../compiler/package/sampler-figures.ts";
import { type BatchSources, batchesOf } from "../../training/batches.ts";
import { drawsOf } from "../../training/draws.ts";
import { levelDrawer } from "../../training/noise-levels.ts";
import { tinyBatches, tinyStage } from "./tiny.ts";

const figures = (more: object) =>
  withDefaults({
    method: "ddim",
    predicts: "v",
    schedule: "cosine",
    trainSteps: 1000,
    steps: 4,
    guidance: 2,
    ...more,
  }) as unknown as SamplerFigures;

type Shaped = TrainingInput & { readonly shape: readonly number[]; readonly dtype?: "f32" | "i32" };

/** A stage of these inputs; only what batches read of it. */
function stageOf(inputs: readonly Shaped[], stills = 0): LossStage {
  const values = inputs.map(
    ({ name, shape, dtype = "f32" }, id): InputValue => ({ kind: "input", id, name, type: { dtype, shape }, axes: [] }),
  );
  const loss = { name: "loss", values, outputs: [] };
  return { name: "stage", inputs, stills, levels: { density: "uniform", power: 1 }, loss } as unknown as LossStage;
}

/** Frame f of clip i is the one number 10 i + f; captions are the clip's number. */
const sources: BatchSources = {
  clips: 100,
  values: (encoder) => ({
    frameLength: 1,
    of: async (i) => Float32Array.from({ length: 4 }, (_, f) => (encoder === null ? 1 : -1) * (10 * i + f)),
  }),
  caption: async (i) => String(i),
  label: async (i, of) => (of === "parity" ? i % 2 : -1),
  tokens: (text, count) => new Int32Array(count).fill(text === "" ? -1 : Number(text)),
  sampler: figures({}),
};

const clip: TrainingInput = { name: "x", source: { from: "clip", encoder: null } };
const text: TrainingInput = { name: "text", source: { from: "text", dropped: 0.25, unguided: "" } };

test("a step's examples are the same in one part and in two, and other steps have others", async () => {
  const whole = await tinyBatches(tinyStage(4), 1)(7);
  const halves = await tinyBatches(tinyStage(2), 2)(7);
  const joined = (name: string) => halves.flatMap((feeds) => [...(feeds.get(name)?.data ?? [])]);
  for (const [name, { data }] of whole[0] ?? []) expect(joined(name), name).toEqual([...data]);
  const next = await tinyBatches(tinyStage(4), 1)(8);
  for (const [name, { data }] of next[0] ?? []) expect([...data], name).not.toEqual(joined(name));
});

test("a caption is its clip's, and as many are dropped as the stage says", async () => {
  const stage = stageOf([
    { ...clip, shape: [1000, 4] },
    { ...text, shape: [1000, 2], dtype: "i32" },
  ]);
  const [feeds] = await batchesOf(stage, sources, 1, 1)(1);
  const [clips, captions] = [feeds?.get("x")?.data ?? [], feeds?.get("text")?.data ?? []];
  let dropped = 0;
  for (let i = 0; i < 1000; i++) {
    if (captions[2 * i] === -1) dropped++;
    else expect(captions[2 * i]).toBe(Math.floor((clips[4 * i] ?? 0) / 10));
  }
  // Binomial: 250 of 1000, deviation 13.7; four of them.
  expect(Math.abs(dropped - 250)).toBeLessThan(55);
  expect(new Set([...clips].map((value) => Math.floor(value / 10))).size).toBeGreaterThan(95);
});

test("a label is its clip's, by the name that the stage says", async () => {
  const label = { name: "label", source: { from: "label", of: "parity", classes: 2 } } as const;
  const stage = stageOf([
    { ...clip, shape: [200, 4] },
    { ...label, shape: [200], dtype: "i32" },
  ]);
  const [feeds] = await batchesOf(stage, sources, 1, 1)(1);
  const [clips, labels] = [feeds?.get("x")?.data ?? [], feeds?.get("label")?.data ?? []];
  for (let i = 0; i < 200; i++) expect(labels[i]).toBe(Math.floor((clips[4 * i] ?? 0) / 10) % 2);
  expect(new Set(labels).size).toBe(2);
});

test("pictures are frames of clips drawn evenly, one of each clip where there are several; stills are one frame over and over", async () => {
  const image = (name: string, shape: readonly number[]) => ({ name, shape, source: { from: "image", encoder: "encode" } as const });
  const stage = stageOf([image("one", [400, 1, 1, 1]), image("four", [400, 4, 1, 1, 1])]);
  const [feeds] = await batchesOf(stage, sources, 1, 1)(1);
  const frames = [...(feeds?.get("one")?.data ?? [])].map((value) => -value % 10);
  // Binomial: 100 of 400 for each frame, deviation 8.7; four of them.
  for (const frame of [0, 1, 2, 3]) expect(Math.abs(frames.filter((one) => one === frame).length - 100)).toBeLessThan(35);
  const four = feeds?.get("four")?.data ?? [];
  expect(new Set([...four].map((value) => Math.floor(-value / 10))).size).toBeGreaterThan(95);
  const stills = await batchesOf(stageOf([{ ...clip, shape: [400, 4] }], 0.5), sources, 1, 1)(1);
  const rows = Array.from({ length: 400 }, (_, i) => [...(stills[0]?.get("x")?.data ?? [])].slice(4 * i, 4 * i + 4));
  const still = rows.filter((row) => new Set(row).size === 1);
  expect(Math.abs(still.length - 200)).toBeLessThan(40);
  expect(new Set(still.map(([value = 0]) => value % 10)).size).toBe(4);
});

test("signal, sigma and time are those of one level of the sampler's schedule", async () => {
  const input = (from: "time" | "signal" | "sigma") => ({ name: from, shape: [50], source: { from } });
  const stage = stageOf([input("time"), input("signal"), input("sigma")]);
  const [feeds] = await batchesOf(stage, sources, 1, 1)(1);
  const of = (name: string, i: number) => feeds?.get(name)?.data[i] ?? Number.NaN;
  for (let i = 0; i < 50; i++) {
    const t = of("time", i);
    expect(Number.isInteger(t)).toBe(true);
    // Nichol and Dhariwal's ᾱ(t) of step t + 1, where no beta is cut off; in f32.
    const bar = (step: number) => Math.cos((((step / 1000 + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    if (t < 990) expect(of("signal", i)).toBeCloseTo(Math.sqrt(bar(t + 1) / bar(0)), 5);
    expect(of("signal", i) ** 2 + of("sigma", i) ** 2).toBeCloseTo(1, 6);
  }
});

test("levels are drawn by the density that is asked for", () => {
  const times = (more: object, levels: LossStage["levels"]) => {
    const draw = levelDrawer(figures(more), levels);
    return Array.from({ length: 2000 }, (_, i) => draw(drawsOf(1, "stage", 1, i)));
  };
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const uniform = times({}, { density: "uniform", power: 0.6 }).map(({ time }) => time);
  // E[u^0.6] = 1 / 1.6; the deviation of such a mean is 0.0055.
  expect(mean(uniform) / 1000).toBeCloseTo(1 / 1.6, 1);
  expect(Math.max(...uniform)).toBeLessThanOrEqual(999);
  const flow = times({ schedule: "flow", method: "euler", predicts: "flow" }, { density: "logit-normal", power: 1 });
  expect(mean(flow.map(({ noise }) => noise))).toBeCloseTo(0.5, 1);
  // Half of a logistic of normals lies between the logistics of ±0.6745: 0.3375 and 0.6625.
  expect(flow.filter(({ noise }) => noise > 0.3375 && noise < 0.6625).length / 2000).toBeCloseTo(0.5, 1);
  for (const { time, signal, noise } of flow.slice(0, 20)) {
    expect(signal + noise).toBeCloseTo(1, 12);
    expect(time).toBeCloseTo(1000 * noise, 9);
  }
  const [told] = times({ method: "euler", timestepType: "continuous", predicts: "v" }, { density: "uniform", power: 1 });
  expect(told?.time).toBeCloseTo(Math.log((told?.noise ?? 0) / (told?.signal ?? 1)) / 4, 12);
});
