// What the stages of a source become: losses at a batch, the weights that entries name, the layers that latents are normalised by.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { compile, expandModel } from "../../compiler/compile.ts";
import { compileTraining } from "../../compiler/compile-training.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import { pathPattern } from "../../compiler/expand/training/path-pattern.ts";
import { type Graph, sizeOf } from "../../compiler/graph/graph.ts";
import type { LossStage, MeasureStage, Training } from "../../compiler/module/training.ts";
import type { Tensor } from "../../compiler/ops/op.ts";
import { opTable } from "../../compiler/ops/table.ts";
import { opWeights } from "../../dsl/signature.ts";
import { normalised, trained } from "../dsl/train-cases.ts";
import { goldenWeight } from "../golden/cases.ts";
import { graphOf, named, programOf } from "./expand/expanded.ts";

function trainingOf(text: string, choices: Partial<Choices> = {}, batch?: number): Training {
  const made = compileTraining(programOf(text), { precision: "f32", ...choices }, batch);
  if (!made.ok) throw new Error(made.diagnostics.map(({ message }) => message).join("\n"));
  return made.value;
}

function lossOf(text: string, choices: Partial<Choices> = {}, batch?: number): LossStage {
  const [stage] = trainingOf(text, choices, batch).stages;
  if (stage?.kind !== "loss") throw new Error("the first stage has no loss");
  return stage;
}

const inputsOf = ({ values }: Graph) =>
  values.flatMap((value) => (value.kind === "input" ? [[value.name, value.type.shape, value.axes]] : []));

test("a loss has the batch that is asked for, else the stage's own, and its axes keep their names", () => {
  const at = (batch: number) => [
    ["x", [batch, 4, 4, 4, 4], ["B", "F", "4", "H", "H"]],
    ["tokens", [batch, 5], ["B", "L"]],
    ["noise", [batch, 4, 4, 4, 4], ["B", "F", "4", "H", "H"]],
    ["t", [batch], ["B"]],
  ];
  expect(inputsOf(lossOf(trained()).loss)).toEqual(at(2));
  expect(inputsOf(lossOf(trained(), {}, 7).loss)).toEqual(at(7));
  expect(lossOf(trained(), {}, 7).batch).toBe(2);
});

test("the cross-entropy of models/training.mv is by hand, and stays a number where e to the logits is none", () => {
  const shared = "dim B = 2;\ndim F = 1;\ntype Video<C, H, W> = Tensor<float, [B, F, C, H, W]>;";
  const blocks = readFileSync("models/training.mv", "utf8").replace(/^import .*$/m, shared);
  const graph = "graph run(x: Tensor<float, [B, 3]>, wanted: Tensor<i32, [B]>): Tensor<f32, [1]> { return CrossEntropy(x, wanted); }";
  const run = graphOf(`${blocks}\nmodel Tiny { ${graph} }`);
  const of = (...wanted: number[]) => {
    const given = new Map<string, Tensor>([
      ["x", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 1000, 0, -1000) }],
      ["wanted", { shape: [2], data: Float32Array.from(wanted) }],
    ]);
    const none = () => {
      throw new Error("it has no weights");
    };
    return interpret(run, given, none).get("run")?.data[0];
  };
  // log(1 + 1/e + 1/e²) = 0.407606, and a class whose probability is 1, or e to -1000.
  expect(of(2, 0)).toBeCloseTo(0.203803, 6);
  expect(of(1, 1)).toBeCloseTo((1.407606 + 1000) / 2, 3);
});

test("a stage says where inputs come from, and its figures have PyTorch's defaults", () => {
  const inputs =
    'x: { from: "clip", encoder: encode }, tokens: { from: "text", dropped: 0.25, unguided: "none" }, noise: { from: "noise" }, t: { from: "sigma" }';
  const { loss, span, trained: _, ...stage } = lossOf(trained({ inputs, figures: 'clipNorm: 2, decay: "cosine", levelPower: 0.5' }));
  expect(stage).toEqual({
    kind: "loss",
    name: "denoiser",
    inputs: [
      { name: "x", source: { from: "clip", encoder: "encode" } },
      { name: "tokens", source: { from: "text", dropped: 0.25, unguided: "none" } },
      { name: "noise", source: { from: "noise" } },
      { name: "t", source: { from: "sigma" } },
    ],
    learningRate: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    warmup: 0,
    decay: "cosine",
    finalRate: 0,
    clipNorm: 2,
    ema: null,
    stills: 0,
    levels: { density: "uniform", power: 0.5 },
    batch: 2,
    steps: 10,
  });
});

describe("of entries that name a weight", () => {
  const of = (weights: string, choices: Partial<Choices> = {}, figures = "weightDecay: 0.0") =>
    lossOf(trained({ weights, figures }), choices).trained;

  test("the last holds, and what none names is frozen", () => {
    const found = of(
      '[{ path: "unet", weightDecay: 0.1 }, { path: "unet.**.bias", rate: 0 }, { path: "unet.head", rate: 0.5 }]',
      {},
      "weightDecay: 0.01",
    );
    expect(found).toEqual([
      { path: "unet.stem.weight", rate: 1, weightDecay: 0.1 },
      { path: "unet.head.weight", rate: 0.5, weightDecay: 0.01 },
      { path: "unet.head.bias", rate: 0.5, weightDecay: 0.01 },
    ]);
  });

  test("rates may be any value that is known when the model is built", () => {
    const weights = '[{ path: "text", rate: peak > 0.01 ? 1.0 : 0.0 }, { path: "unet.stem.bias", rate: 100 * peak }]';
    expect(of(weights).map(({ path }) => path)).toEqual(["unet.stem.bias"]);
    expect(of(weights, { settings: { peak: 0.02 } })).toEqual([
      { path: "unet.stem.bias", rate: 2, weightDecay: 0 },
      { path: "text.table.weight", rate: 1, weightDecay: 0 },
    ]);
  });
});

test.each([
  ["unet", "unet.stem.weight", true],
  ["unet", "unet2.stem.weight", false],
  ["unet.stem.weight", "unet.stem.weight", true],
  ["unet.stem.weight.more", "unet.stem.weight", false],
  ["unet.*.conv", "unet.down.conv.weight", true],
  ["unet.*.conv", "unet.down.0.conv.weight", false],
  ["unet.**.conv", "unet.down.0.conv.weight", true],
  ["unet.**.conv", "unet.conv.weight", true],
  ["unet.**.conv", "unet.down.conv1.weight", false],
  ["**.bias", "unet.down.bias", true],
  ["unet.**", "unet.down.bias", true],
  ["u.t", "u1t", false],
])("%s of %s: %s", (pattern, path, holds) => {
  expect(pathPattern(pattern)(path)).toBe(holds);
});

test("ops call their weights as paths are checked for", () => {
  const names = Object.values(opTable)
    .flatMap((row) => ("manual" in row ? (row.manual.weights ?? []) : []))
    .map(({ name }) => name);
  expect([...new Set(names)].sort()).toEqual([...opWeights].sort());
});

test("a loss is no part of what is built, and gives training no weights that the model lacks", () => {
  const program = programOf(trained());
  const built = compile(program, { precision: "f32" });
  if (!built.ok) throw new Error("refused");
  const own = ["encode", "pair", "small", "denoise", "encodeText"];
  expect([...built.module.written.keys()]).toEqual(own);
  expect([...built.module.graphs.keys()]).toEqual([...own, "step"]);
  const expanded = expandModel(program, { precision: "f32" });
  expect(expanded.ok && [...expanded.value.graphs.keys()]).toEqual(own);
  const training = trainingOf(trained());
  const paths = [...built.module.written.values()].flatMap(({ values }) =>
    values.flatMap((value) => (value.kind === "weight" ? [value.path] : [])),
  );
  expect([...training.weights.keys()]).toEqual([...new Set(paths)]);
  expect([...training.encoders.keys()]).toEqual(["encode"]);
  expect(training.clip).toEqual({ frames: 4, height: 8, width: 8 });
  expect(training.sampler?.trainSteps).toBe(10);
});

test("a loss is as wide as what is built, in each preset, though its blocks are known by then", () => {
  const text = `${trained()
    .replace("param peak", "param width: int = 8;\nparam peak")
    .replace("conv2d(8,", "conv2d(width,")
    .replace("sinusoid(8), [B, 1, 8, 1, 1]", "sinusoid(width), [B, 1, width, 1, 1]")}preset Wide of Tiny { width: 16 }\n`;
  expect(checkSizes(programOf(text)).map(({ message }) => message)).toEqual([]);
  expect(trainingOf(text, { preset: "Wide" }).weights.get("unet.stem.weight")?.type.shape).toEqual([16, 4, 3, 3]);
});

test("noise levels of flow matching are the sampler's too", () => {
  const flow = trained()
    .replace('predicts: "epsilon", schedule: "cosine"', 'predicts: "flow", schedule: "flow"')
    .replace('"ddim"', '"euler"');
  expect(trainingOf(flow).sampler?.schedule).toBe("flow");
});

test("a stage that is not run is not looked at", () => {
  const off = trained({ figures: "when: peak > 1, ema: 2.0", weights: "[]" });
  expect(trainingOf(off).stages).toEqual([]);
  expect(compileTraining(programOf(off), { precision: "f32", settings: { peak: 2 } }).ok).toBe(false);
});

test("latents get mean 0 and deviation 1 by the layers on both sides, and clips come out as they did", () => {
  const text = normalised('normalises: encodeFine, writer: "fine.quant", readers: ["back.quant"]');
  const { stages, encoders } = trainingOf(text);
  const stage = stages.find((one): one is MeasureStage => one.kind === "measure");
  expect(stage).toMatchObject({
    graph: "encodeFine",
    input: "x",
    axis: 2,
    channels: 4,
    writer: { weight: "fine.quant.weight", bias: "fine.quant.bias", scale: 0.5 },
    readers: [{ weight: "back.quant.weight", bias: "back.quant.bias", scale: 2 }],
  });
  const built = expandModel(programOf(text), { precision: "f32" });
  if (stage === undefined || !built.ok) throw new Error("refused");
  const weights = new Map<string, Float32Array>();
  const run = (graph: Graph, input: string, x: Tensor): Tensor => {
    const weight = (path: string): Tensor => {
      const value = graph.values.find((one) => one.kind === "weight" && one.path === path);
      const shape = value?.type.shape ?? [];
      if (!weights.has(path)) weights.set(path, goldenWeight(path, shape).slice());
      return { shape, data: weights.get(path) as Float32Array };
    };
    return [...interpret(graph, new Map([[input, x]]), weight).values()][0] as Tensor;
  };
  const x = { shape: [1, 4, 3, 4, 4], data: goldenWeight("clip.pixels", [1, 4, 3, 4, 4]) };
  const encode = () => run(named(encoders, "encodeFine"), "x", x);
  const decode = (z: Tensor) => run(named(built.value.graphs, "decodeFine"), "z", z);
  const channel = (z: Tensor, c: number) => Array.from(z.data).filter((_, i) => Math.floor(i / 16) % 4 === c);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
  const before = encode();
  const clip = decode(before);
  const [m, s] = [[0, 1, 2, 3].map((c) => mean(channel(before, c))), [0, 1, 2, 3].map((c) => deviation(channel(before, c)))];
  fold(stage, weights, m, s);
  const after = encode();
  expect(sizeOf(after.shape)).toBe(4 * 4 * 16);
  for (const c of [0, 1, 2, 3]) {
    expect(mean(channel(after, c))).toBeCloseTo(0, 5);
    expect(deviation(channel(after, c))).toBeCloseTo(1, 5);
  }
  const same = Array.from(decode(after).data);
  for (const [i, value] of Array.from(clip.data).entries()) expect(same[i]).toBeCloseTo(value, 4);
});

/** As the stage's type says. */
function fold(
  { channels, writer, readers }: MeasureStage,
  weights: ReadonlyMap<string, Float32Array>,
  m: readonly number[],
  s: readonly number[],
): void {
  const at = (path: string) => weights.get(path) as Float32Array;
  const [w, b] = [at(writer.weight), at(writer.bias)];
  const columns = w.length / b.length;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < columns; i++) w[c * columns + i] = (w[c * columns + i] ?? 0) / (s[c] ?? 0);
    b[c] = ((b[c] ?? 0) - (m[c] ?? 0) / writer.scale) / (s[c] ?? 0);
  }
  for (const reader of readers) {
    const [matrix, bias] = [at(reader.weight), at(reader.bias)];
    for (let row = 0; row < bias.length; row++) {
      for (let c = 0; c < channels; c++) {
        bias[row] = (bias[row] ?? 0) + reader.scale * (matrix[row * channels + c] ?? 0) * (m[c] ?? 0);
        matrix[row * channels + c] = (matrix[row * channels + c] ?? 0) * (s[c] ?? 0);
      }
    }
  }
}
