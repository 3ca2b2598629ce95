// What a clip costs, by hand for a tiny model: evaluations, encoders and frames, each as often as sampling runs it.

import { expect, test } from "vitest";
import { type ClipCost, clipCostOf } from "../../../compiler/analysis/clip-cost.ts";
import { costOf } from "../../../compiler/analysis/cost.ts";
import { expandModel } from "../../../compiler/compile.ts";
import type { Choices } from "../../../compiler/expand/configure.ts";
import { named, programOf } from "../expand/expanded.ts";
import { tinyFlops, tinyParameters, tinySampled } from "./tiny-sampled.ts";

const program = programOf(tinySampled);

function expanded(choices: Partial<Choices>) {
  const found = expandModel(program, { precision: "f32", ...choices });
  if (!found.ok) throw new Error(found.diagnostics.map(({ message }) => message).join("\n"));
  return found.value;
}

function clipOf(choices: Partial<Choices> = {}): ClipCost {
  const { graphs, sampled } = expanded(choices);
  if (sampled === undefined) throw new Error("no sampler");
  return clipCostOf(graphs, sampled.guided, { ...sampled.recipe, runs: sampled.recipe.steps });
}

const { enter, leave, time, embed, decode } = tinyFlops;
const call = enter + leave + time;

test("guidance evaluates twice a step; the encoder and the frames count once, each graph's weights too", () => {
  expect(clipOf()).toEqual({
    steps: 10,
    runs: 10,
    evaluations: 2,
    parameters: 224 + 27 + 6 + 15 + 39 + 12,
    tensors: 2 + 2 + 1 + 2 + 2 + 2,
    weightBytes: 4 * (224 + 27 + 6 + 15 + 39 + 12),
    flops: 20 * call + embed + decode,
    flopsOf: { encoders: embed, steps: 20 * call, frames: decode },
    // In `denoise` at two clips, while silu reads 8 channels and makes 8: 2 x 2 x 16 x 8 numbers, beside both t and c.
    activationBytes: 4 * (2 * 2 * (2 * 16 * 8) + 2 * 1 + 2 * 3),
  });
});

test("guidance of 1 evaluates once a step and keeps one clip alive", () => {
  const clip = clipOf({ settings: { guidance: 1 } });
  expect([clip.evaluations, clip.flopsOf.steps]).toEqual([1, 10 * call]);
  expect(clip.activationBytes).toBe(4 * (2 * (2 * 16 * 8) + 1 + 3));
});

test("steps of several evaluations cost as many", () => {
  const { graphs, sampled } = expanded({});
  if (sampled === undefined) throw new Error("no sampler");
  // Heun's method in 10 steps.
  const clip = clipCostOf(graphs, sampled.guided, { ...sampled.recipe, runs: 19 });
  expect([clip.steps, clip.flopsOf.steps]).toEqual([10, 2 * 19 * call]);
});

test("several clips at once: each costs as one alone, and all of them are in memory", () => {
  const [one, three] = [clipOf(), clipOf({ settings: { B: 3 } })];
  expect(three.flops).toBe(one.flops);
  expect(three.activationBytes).toBe(3 * one.activationBytes);
});

test("a text of several pieces runs its encoder once for each", () => {
  const pieces = programOf(`
dim B = 1; dim L = 4;
model Told {
  tokenizer { file: "tokenizer.json", pad: "<pad>" }
  graph encodeText(tokens: Tensor<i32, [B, L]>): Tensor<float, [B, L, 2]> { return tokens |> embedding(8, 2) as token |> linear(2, bias: false) as mix; }
  graph denoise(z: Tensor<float, [B, 2]>, t: Tensor<f32, [B]>, text: Tensor<float, [B, 3 * L, 2]>): Tensor<float, [B, 2]> {
    return z + (view(text, [B, 3 * L * 2]) |> linear(2) as told);
  }
  sampler denoise(z, t) {
    method: "ddim", steps: 2, guidance: 1.0, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000,
    conditions: { text: { from: "text", encoder: encodeText } },
  }
}`);
  const found = expandModel(pieces, { precision: "f32" });
  if (!found.ok || found.value.sampled === undefined) throw new Error("no sampler");
  const { graphs, sampled } = found.value;
  // 4 tokens, 2 to 2 channels, a product and a sum each.
  expect(clipCostOf(graphs, sampled.guided, { ...sampled.recipe, runs: 2 }).flopsOf.encoders).toBe(3 * (4 * 2 * 2 * 2));
});

test("without anything to weigh the prompt against, guidance costs nothing", () => {
  const { graphs, sampled } = expanded({});
  if (sampled === undefined) throw new Error("no sampler");
  const conditions = sampled.recipe.conditions.map((condition) => ({ ...condition, unguided: null }));
  expect(clipCostOf(graphs, sampled.guided, { ...sampled.recipe, runs: 10, conditions }).evaluations).toBe(1);
});

test("a graph whose weights the looped one reads too adds none", () => {
  const { graphs, sampled } = expanded({});
  if (sampled === undefined) throw new Error("no sampler");
  const looped = named(graphs, "denoise");
  const again = clipCostOf(new Map([...graphs, ["decode", looped]]), sampled.guided, { ...sampled.recipe, runs: 10 });
  expect(again.parameters).toBe(clipOf().parameters - tinyParameters.decode);
});

test("shares: a declared block has what it calls, a weight counts for the op that computes with it, and both leave out what is free", () => {
  const { by, ...cost } = costOf(named(expanded({}).graphs, "denoise"), 1);
  const { enter: a, leave: b, scale, time: c } = tinyParameters;
  expect(cost).toMatchObject({ parameters: a + b + scale + c, tensors: 7, flops: call, weightBytes: 4 * (a + b + scale + c) });
  expect(by.block).toEqual([
    { name: "Mix", parameters: a + b + scale, tensors: 5, flops: enter + leave },
    { name: "Scale", parameters: scale, tensors: 1, flops: 0 },
  ]);
  expect(by.op).toEqual([
    { name: "conv2d", parameters: a + b, tensors: 4, flops: enter + leave },
    { name: "mul", parameters: scale, tensors: 1, flops: 0 },
    { name: "linear", parameters: c, tensors: 2, flops: time },
  ]);
  expect(by.path).toEqual([
    { name: "mix", parameters: a + b + scale, tensors: 5, flops: enter + leave },
    { name: "time", parameters: c, tensors: 2, flops: time },
  ]);
});
