// An image model's weights in the whole MagicVideo, where what it adds is as training starts it: each frame is the image model's picture, bit for bit
// (on WebGPU in `stable-diffusion.test.ts`).

import { describe, expect, test } from "vitest";
import type { Module } from "../../compiler/module/module.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { elements, f32, floatsOf, type TensorData, type Tensors } from "../../runtime/tensor.ts";
import { named, weightsOf } from "../compiler/expand/expanded.ts";
import { compileFile, goldenWeight } from "./cases.ts";
import { byInterpreter, byOnnx, type Engine, type WeightOf } from "./engines.ts";

const frames = 3;
const settings = {
  ...{ H: 4, W: 4, L: 3, D: 8, Z: 4, units: 1, heads: 2, groups: 4, latentScale: 1, vaeWidths: [8, 8] },
  levels: [
    { width: 8, attends: true },
    { width: 12, attends: true },
  ],
};
const built = (F: number, ablations: readonly string[]): Module =>
  compileFile("models/magicvideo.mv", { preset: "Mini", ablations, settings: { ...settings, F } });

const video = built(frames, []);
/** The image model on the clip's frames at once, and on a single picture. */
const images = built(frames, ["ImageModel"]);
const image = built(1, ["ImageModel"]);

const graphNames = ["denoise", "decode", "encode"] as const;
type GraphName = (typeof graphNames)[number];

const imageWeights = new Set(graphNames.flatMap((name) => Object.keys(weightsOf(named(images.graphs, name)))));
const starts = new Map(
  graphNames.flatMap((name) =>
    named(video.graphs, name).values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.init.kind] as const] : [])),
  ),
);

/** Of an image model, and as training starts what the video model adds: ones, zeros or anything. */
function weightOf(path: string, shape: readonly number[]): Float32Array {
  const start = imageWeights.has(path) ? undefined : starts.get(path);
  if (start === "ones" || start === "zeros") return new Float32Array(elements(shape)).fill(start === "ones" ? 1 : 0);
  return goldenWeight(path, shape);
}

/** Inputs for all frames; `z` and `x` have them along axis 1. */
function feedsOf(graph: GraphName): Tensors {
  const inputs = named(video.graphs, graph).values.flatMap((value) => (value.kind === "input" ? [value] : []));
  return Object.fromEntries(inputs.map(({ name, type }, i) => [name, f32(type.shape, normals(5, i, elements(type.shape)))]));
}

function frameOf(feeds: Tensors, frame: number): Tensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]): [string, TensorData] => {
      if (tensor.shape[1] !== frames || tensor.shape.length !== 5) return [name, tensor];
      const [batch = 1, , ...rest] = tensor.shape;
      const size = elements(rest);
      return [name, f32([batch, 1, ...rest], floatsOf(tensor).slice(frame * size, (frame + 1) * size))];
    }),
  );
}

/** How many numbers differ at all; -0 is 0, which it becomes when 0 is added. */
function differing(found: readonly number[], expected: readonly number[]): number {
  return found.reduce((count, value, i) => (value === expected[i] ? count : count + 1), Math.abs(found.length - expected.length));
}

const clip = (graph: GraphName) => [feedsOf(graph)];
const pictures = (graph: GraphName) => Array.from({ length: frames }, (_, frame) => frameOf(feedsOf(graph), frame));
const joined = (parts: readonly Float32Array[]) => parts.flatMap((part) => [...part]);

/** What the whole model makes of a clip, by weights that may be others than the neutral ones. */
const inVideo = async (engine: Engine, graph: GraphName, weights = weightOf) => joined(await engine(video, graph, clip(graph), weights));

describe.each([
  ["the interpreter", byInterpreter],
  ["ONNX Runtime", byOnnx],
] as const)("by %s", (_, engine) => {
  test.each(graphNames)("%s: each frame is the image model's, of the clip's frames at once and of each alone", async (graph) => {
    const found = await inVideo(engine, graph);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(differing(found, joined(await engine(images, graph, clip(graph), weightOf)))).toBe(0);
    expect(differing(found, joined(await engine(image, graph, pictures(graph), weightOf)))).toBe(0);
  });
});

test.each(["adaptor.scale", "adaptor.shift", "time.attention.project.weight"])("a trained %s is seen in the pictures", async (added) => {
  const trained: WeightOf = (path, shape) => (path.endsWith(added) ? goldenWeight : weightOf)(path, shape);
  const [found, neutral] = [await inVideo(byInterpreter, "denoise", trained), await inVideo(byInterpreter, "denoise")];
  expect(differing(found, neutral)).toBeGreaterThan(neutral.length / 2);
});
