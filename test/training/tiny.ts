// The tiny model of golden/training, its stage, and the clips and weights that golden/reference/make_training.py gives it.

import { readFileSync } from "node:fs";
import { compileTraining } from "../../compiler/compile-training.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import type { LossStage } from "../../compiler/module/training.ts";
import { withDefaults } from "../../compiler/package/sampler-figures.ts";
import { parseSafetensorsHeader, storedToTensor } from "../../runtime/safetensors.ts";
import { freshState } from "../../training/adamw.ts";
import { type BatchSources, batchesOf } from "../../training/batches.ts";
import type { EngineJob, Feeds } from "../../training/engine.ts";
import { programOfFile } from "../compiler/expand/expanded.ts";
import { goldenWeight } from "../golden/cases.ts";

export const tinyFile = "golden/training/tiny.mv";
const [CLIPS, FRAMES, SIZE] = [12, 2, 8];
const words = ["red", "green", "blue", "grey"];
const ids: { readonly [word: string]: number } = { red: 2, green: 3, blue: 4, grey: 5, one: 6, two: 7 };
const caption = (i: number) => `${words[i % 4]} ${["one", "two"][i % 2]}`;

/** The stage that the source declares, at the batch of one part. */
export function tinyStage(batch: number): LossStage {
  const training = compileTraining(programOfFile(tinyFile), { precision: "f32" }, batch);
  if (!training.ok) throw new Error(training.diagnostics[0]?.message);
  const [stage] = training.value.stages;
  if (stage?.kind !== "loss") throw new Error("tiny.mv declares no loss");
  return stage;
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
  label: async (i) => i,
  tokens: (text, count) => Int32Array.from({ length: count }, (_, i) => ids[text.split(" ")[i] ?? ""] ?? 0),
  sampler: withDefaults({ method: "ddim", predicts: "v", schedule: "cosine", trainSteps: 1000, steps: 4, guidance: 2 }) as never,
};

export const tinyBatches = (stage: LossStage, parts: number): ((step: number) => Promise<readonly Feeds[]>) =>
  batchesOf(stage, tinySources, 3, parts);

/** What a step of the tiny model starts from, with other figures where they are given. */
export function tinyJob(parts: number, figures: Partial<LossStage> = {}): EngineJob & { readonly loss: LossStage } {
  const loss = { ...tinyStage(4 / parts), ...figures };
  const shapes = new Map(loss.loss.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])));
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
    lossGraph: loss.loss,
    trained: loss.trained,
    optimizer: loss,
    state: new Map(loss.trained.map(({ path }) => [path, freshState(weightOf(path), loss.ema)])),
    frozen: new Map([...shapes.keys()].filter((path) => !isTrained.has(path)).map((path) => [path, weightOf(path)])),
    parts,
  };
}

const bytes = readFileSync("golden/training/tiny.safetensors");
const golden = new Map(
  [...parseSafetensorsHeader(bytes, bytes.length).tensors].map(([name, stored]) => [
    name,
    storedToTensor(stored, bytes.subarray(stored.start, stored.end), name).data as Float32Array,
  ]),
);

/** What PyTorch's run came to, by its name there. */
export const goldenOf = (name: string): Float32Array => golden.get(name) ?? new Float32Array();
