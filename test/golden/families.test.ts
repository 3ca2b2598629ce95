// The families of models/ against the code that was released of them: small presets by their numbers, full sizes by their weights' shapes.

import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { costOf } from "../../compiler/analysis/cost.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import { loadPipeline } from "../../runtime/index.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { graphsOf, named, programOfFile, weightsOf } from "../compiler/expand/expanded.ts";
import { noGpu, openRunnerOnShared } from "../gpu.ts";
import { caseNames, compileFile, type GoldenCase, goldenWeight, readCase, relativeError } from "./cases.ts";
import { plansOf, writePackage } from "./package-folder.ts";

/** Two engines sum the same products in different orders: f32 rounding over the depth of the network reaches some 1e-5. */
const tolerance = 1e-4;

const cases = caseNames("family").map(readCase);

function fieldOf(golden: GoldenCase, field: string): string {
  return golden.metadata.get(field) ?? "";
}

const ablationsOf = (ablation: string): string[] => (ablation === "" ? [] : [ablation]);

const packages = new Map<string, ReturnType<typeof builtAnew>>();
afterAll(() => {
  for (const { folder } of packages.values()) rmSync(folder, { recursive: true });
});

/** One package for both backends: its weights take longer to make than many a graph to run. */
function built(golden: GoldenCase) {
  const made = packages.get(golden.name) ?? builtAnew(golden);
  packages.set(golden.name, made);
  return made;
}

/** The graph of the case alone, and what PyTorch made of its inputs. */
function builtAnew(golden: GoldenCase) {
  const ablations = ablationsOf(fieldOf(golden, "ablation"));
  const settings = { B: Number(fieldOf(golden, "batch")) };
  const compiled = compileFile(fieldOf(golden, "file"), { preset: fieldOf(golden, "preset"), ablations, settings });
  const name = fieldOf(golden, "graph");
  const alone = { ...compiled, graphs: new Map([[name, named(compiled.graphs, name)]]), sampler: null };
  const folder = writePackage(alone, goldenWeight, undefined, { onnx: true, ...(noGpu === undefined && { plans: plansOf(alone) }) });
  return { name, folder, inputs: Object.fromEntries(golden.inputs), expected: floatsOf(golden.tensors.get("output") as TensorData) };
}

const first = (outputs: { readonly [name: string]: TensorData }) => floatsOf(Object.values(outputs)[0] as TensorData);

test.each(cases.map((golden) => [golden.name, golden] as const))("%s by ONNX Runtime", async (_, golden) => {
  const { name, folder, inputs, expected } = built(golden);
  const pipeline = await loadPipeline(folder, { threads: 1, backend: "onnx" });
  try {
    expect(relativeError(first(await pipeline.run(name, inputs)), expected)).toBeLessThan(tolerance);
  } finally {
    await pipeline.dispose();
  }
});

test.skipIf(noGpu !== undefined).each(cases.map((golden) => [golden.name, golden] as const))("%s on WebGPU", async (_, golden) => {
  const { name, folder, inputs, expected } = built(golden);
  const runner = await openRunnerOnShared(folder);
  try {
    expect(relativeError(first(await runner.run(name, inputs)), expected)).toBeLessThan(tolerance);
  } finally {
    await runner.dispose();
  }
});

interface Published {
  readonly file: string;
  readonly ablation: string;
  readonly graph: string;
  readonly parameters: number;
  readonly tensors: number;
  /** How many tensors of each shape, as `320x4x3x3`. */
  readonly shapes: { readonly [shape: string]: number };
  /** Of the sorted lines `key shape`. */
  readonly keys: string;
}

const families: { readonly [family: string]: Published } = JSON.parse(readFileSync("golden/families.json", "utf8"));

/** How many tensors of each shape. */
function countsOf(weights: { readonly [key: string]: readonly number[] }): Published["shapes"] {
  const counts: { [shape: string]: number } = {};
  for (const shape of Object.values(weights).map((sizes) => sizes.join("x"))) counts[shape] = (counts[shape] ?? 0) + 1;
  return counts;
}

test.each(Object.entries(families))("%s at full size has the published weights, by the published keys", (_, published) => {
  const graph = named(graphsOf(programOfFile(published.file), { ablations: ablationsOf(published.ablation) }), published.graph);
  const { parameters, tensors } = costOf(graph, 1);
  expect({ parameters, tensors }).toEqual({ parameters: published.parameters, tensors: published.tensors });
  const weights = weightsOf(graph);
  expect(countsOf(weights)).toEqual(published.shapes);
  const lines = Object.entries(weights)
    .map(([key, shape]) => `${key} ${shape.join("x")}\n`)
    .sort();
  expect(createHash("sha256").update(lines.join("")).digest("hex")).toBe(published.keys);
});

const imageModel: { readonly unet: { readonly [shape: string]: number } } = JSON.parse(readFileSync("golden/sd-v1-shapes.json", "utf8"));

test.each(["animatediff", "make-a-video"])("%s without what makes it video is Stable Diffusion v1", (family) => {
  const program = programOfFile(`models/${family}/unet.mv`);
  const [video, image] = [[], ["ImageModel"]].map((ablations) => weightsOf(named(graphsOf(program, { ablations }), "denoise")));
  expect(countsOf(image ?? {})).toEqual(imageModel.unet);
  const added = Object.entries(video ?? {}).filter(([key]) => image?.[key] === undefined);
  expect(added.every(([key]) => /\.(motion_modules\.\d+|time)\./.test(key))).toBe(true);
  // AnimateDiff's as published; Make-A-Video's convolutions and attentions as counted from their equations.
  const parameters = added.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  expect(parameters).toBe(family === "animatediff" ? 417_137_600 : 151_188_532 + 49_599_040);
});
