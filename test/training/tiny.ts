// The tiny model of golden/training, its stage as its source would declare it, and the clips and weights that golden/reference/make_training.py gives it.

import { differentiate } from "../../compiler/differentiate/differentiate.ts";
import { sizeOf, type WeightValue } from "../../compiler/graph/graph.ts";
import type { LossStage } from "../../compiler/module/training.ts";
import { withDefaults } from "../../compiler/package/sampler-figures.ts";
import { freshState } from "../../training/adamw.ts";
import { type BatchSources, batchesOf } from "../../training/batches.ts";
import type { EngineJob, Feeds } from "../../training/engine.ts";
import { compileFile, goldenWeight } from "../golden/cases.ts";

export const tinyFile = "golden/training/tiny.mv";
const [CLIPS, FRAMES, SIZE] = [12, 2, 8];
const words = ["red", "green", "blue", "grey"];
const ids: { readonly [word: string]: number } = { red: 2, green: 3, blue: 4, grey: 5, one: 6, two: 7 };
const caption = (i: number) => `${words[i % 4]} ${["one", "two"][i % 2]}`;

/** At the batch of one part. */
export function tinyStage(batch: number): LossStage {
  const loss = compileFile(tinyFile, { settings: { B: batch } }).graphs.get("loss");
  if (loss === undefined) throw new Error("tiny.mv has no loss");
  const weights = loss.values.filter((value): value is WeightValue => value.kind === "weight");
  return {
    kind: "loss",
    name: "tiny",
    span: { file: tinyFile, start: 0, end: 0 },
    loss,
    inputs: [
      { name: "x", source: { from: "clip", encoder: null } },
      { name: "noise", source: { from: "noise" } },
      { name: "signal", source: { from: "signal" } },
      { name: "sigma", source: { from: "sigma" } },
      { name: "t", source: { from: "time" } },
      { name: "tokens", source: { from: "text", dropped: 0.2, unguided: "" } },
    ],
    trained: weights.map(({ path }) => ({
      path,
      rate: path === "net.text.weight" ? 0.5 : 1,
      weightDecay: path.startsWith("net.norm") ? 0 : 0.1,
    })),
    levels: { density: "uniform", power: 0.6 },
    stills: 0,
    learningRate: 2e-3,
    betas: [0.9, 0.99],
    eps: 1e-8,
    warmup: 20,
    decay: "cosine",
    finalRate: 0.1,
    clipNorm: 0.5,
    ema: 0.99,
    batch: 4,
    steps: 200,
  };
}

export const tinySources: BatchSources = {
  clips: CLIPS,
  values: () => ({
    frameLength: 3 * SIZE * SIZE,
    of: async (i) =>
      Float32Array.from({ length: FRAMES * 3 * SIZE * SIZE }, (_, at) => {
        const [x, y, c, f] = [at % 8, Math.floor(at / 8) % 8, Math.floor(at / 64) % 3, Math.floor(at / 192)];
        return ((37 * i + 29 * f + 5 * y + 3 * x + 80 * c) % 256) / 127.5 - 1;
      }),
  }),
  caption: async (i) => caption(i),
  tokens: (text, count) => Int32Array.from({ length: count }, (_, i) => ids[text.split(" ")[i] ?? ""] ?? 0),
  sampler: withDefaults({ method: "ddim", predicts: "v", schedule: "cosine", trainSteps: 1000, steps: 4, guidance: 2 }) as never,
};

export const tinyBatches = (stage: LossStage, parts: number): ((step: number) => Promise<readonly Feeds[]>) =>
  batchesOf(stage, tinySources, 3, parts);

/** What a step of the tiny model starts from, with other figures where they are given. */
export function tinyJob(parts: number, figures: Partial<LossStage> = {}): EngineJob & { readonly loss: LossStage } {
  const loss = { ...tinyStage(4 / parts), ...figures };
  const graph = differentiate(
    loss.loss,
    loss.trained.map(({ path }) => path),
  );
  const shapes = new Map(graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])));
  const isTrained = new Set(loss.trained.map(({ path }) => path));
  const weightOf = (path: string) => {
    const shape = shapes.get(path) ?? [];
    const values = goldenWeight(path, shape);
    if (values.length !== sizeOf(shape)) throw new Error(`${path} has another shape`);
    return values.slice();
  };
  return {
    loss,
    stage: "tiny",
    graph,
    lossGraph: loss.loss,
    trained: loss.trained,
    optimizer: loss,
    state: new Map(loss.trained.map(({ path }) => [path, freshState(weightOf(path), loss.ema)])),
    frozen: new Map([...shapes.keys()].filter((path) => !isTrained.has(path)).map((path) => [path, weightOf(path)])),
    parts,
  };
}
