// The families of models/ against the code that was released of them: small presets by their numbers, full sizes by their weights' shapes.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { costOf } from "../../compiler/analysis/cost.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { graphsOf, named, programOfFile, weightsOf } from "../compiler/expand/expanded.ts";
import { noGpu } from "../gpu.ts";
import { caseNames, compileFile, type GoldenCase, goldenWeight, readCase, relativeError } from "./cases.ts";
import { byOnnx, byWebGpu, type Engine } from "./engines.ts";

/** Two engines sum the same products in different orders: f32 rounding over the depth of the network reaches some 1e-5. */
const tolerance = 1e-4;

const cases = caseNames("family").map(readCase);

function fieldOf(golden: GoldenCase, field: string): string {
  return golden.metadata.get(field) ?? "";
}

const ablationsOf = (ablation: string): string[] => (ablation === "" ? [] : [ablation]);

/** What PyTorch made of the case's inputs, beside what an engine makes of them. */
async function errorBy(engine: Engine, golden: GoldenCase): Promise<number> {
  const settings = { B: Number(fieldOf(golden, "batch")) };
  const choices = { preset: fieldOf(golden, "preset"), ablations: ablationsOf(fieldOf(golden, "ablation")), settings };
  const compiled = compileFile(fieldOf(golden, "file"), choices);
  const [found = []] = await engine(compiled, fieldOf(golden, "graph"), [Object.fromEntries(golden.inputs)], goldenWeight);
  return relativeError(found, floatsOf(golden.tensors.get("output") as TensorData));
}

test.each(cases.map((golden) => [golden.name, golden] as const))("%s by ONNX Runtime", async (_, golden) => {
  expect(await errorBy(byOnnx, golden)).toBeLessThan(tolerance);
});

test.skipIf(noGpu !== undefined).each(cases.map((golden) => [golden.name, golden] as const))("%s on WebGPU", async (_, golden) => {
  expect(await errorBy(byWebGpu, golden)).toBeLessThan(tolerance);
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
