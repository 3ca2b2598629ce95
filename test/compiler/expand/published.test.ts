// The expanded models against figures that others have published: Stable Diffusion v1's parameters, tensors and every shape.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { costOf } from "../../../compiler/analysis/cost.ts";
import type { Graph } from "../../../compiler/graph/graph.ts";
import { graphsOf, magicVideo, named, weightsOf } from "./expanded.ts";

type Counts = { readonly [shape: string]: number };

/** How many tensors of each shape the released checkpoint has, as `320x4x3x3`. */
const published: { readonly [part in "unet" | "vae" | "clip"]: Counts } = JSON.parse(readFileSync("golden/sd-v1-shapes.json", "utf8"));

const program = magicVideo();
const image = graphsOf(program, { ablations: ["ImageModel"] });
const baseline = graphsOf(program);

function parameters(...graphs: Graph[]): [parameters: number, tensors: number] {
  const costs = graphs.map((graph) => costOf(graph, 1));
  return [costs.reduce((sum, cost) => sum + cost.parameters, 0), costs.reduce((sum, cost) => sum + cost.tensors, 0)];
}

function shapes(...graphs: Graph[]): Counts {
  const counts = new Map<string, number>();
  for (const shape of graphs.flatMap((graph) => Object.values(weightsOf(graph)))) {
    counts.set(shape.join("x"), (counts.get(shape.join("x")) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

/** The autoencoder's two attentions project by 1x1 convolutions in the checkpoint, and by linear layers here: the same numbers. */
function withLinearProjections({ "512x512x1x1": projections, ...others }: Counts): Counts {
  return { ...others, "512x512": projections ?? 0 };
}

test("without what makes it video, the U-Net is Stable Diffusion v1's", () => {
  expect(parameters(named(image, "denoise"))).toEqual([859_520_964, 686]);
  expect(shapes(named(image, "denoise"))).toEqual(published.unet);
});

test("the autoencoder is Stable Diffusion v1's", () => {
  const parts = [named(image, "encode"), named(image, "decode")];
  expect(parameters(...parts)).toEqual([83_653_863, 248]);
  expect(parameters(named(image, "decode"))[0]).toBe(49_490_179 + 20);
  expect(shapes(...parts)).toEqual(withLinearProjections(published.vae));
});

test("the text encoder is CLIP's, ViT-L/14", () => {
  expect(parameters(named(image, "encodeText"))).toEqual([123_060_480, 196]);
  expect(shapes(named(image, "encodeText"))).toEqual(published.clip);
});

test("the preset on Stable Diffusion v2 has its U-Net and, but for the last layer, OpenCLIP's text encoder", () => {
  const graphs = graphsOf(program, { preset: "StableDiffusion2", ablations: ["ImageModel"] });
  const unet: { readonly "stable-diffusion-2": { readonly shapes: Counts } } = JSON.parse(readFileSync("golden/families.json", "utf8"));
  // Projections around attention are 1x1 convolutions here, and linear there.
  const asMatrices = (counts: Counts) => {
    const merged = new Map<string, number>();
    for (const [shape, count] of Object.entries(counts)) {
      const matrix = shape.replace(/x1x1$/, "");
      merged.set(matrix, (merged.get(matrix) ?? 0) + count);
    }
    return Object.fromEntries(merged);
  };
  expect(parameters(named(graphs, "denoise"))).toEqual([865_910_724, 686]);
  expect(asMatrices(shapes(named(graphs, "denoise")))).toEqual(asMatrices(unet["stable-diffusion-2"].shapes));
  // Of transformers' CLIPTextModel with the released configuration: width 1024, 23 layers.
  expect(parameters(named(graphs, "encodeText"))).toEqual([340_387_840, 372]);
  expect(parameters(named(graphs, "encode"), named(graphs, "decode"))).toEqual([83_653_863, 248]);
});

test("what makes it video adds its own tensors and renames none of the image model's", () => {
  expect(parameters(named(baseline, "denoise"))).toEqual([910_994_052, 934]);
  const [video, still] = [weightsOf(named(baseline, "denoise")), weightsOf(named(image, "denoise"))];
  const kept = Object.fromEntries(Object.entries(video).filter(([path]) => path in still));
  expect(kept).toEqual(still);
  const added = Object.keys(video).filter((path) => !(path in still));
  expect(added.filter((path) => !/\.adaptor\.(scale|shift)$|\.time\.(norm|attention\.(query|key|value|project))\./.test(path))).toEqual([]);
});

// Worked out on the design's prototype for 16 frames of 32x32, and given there in whole GFLOP.
test.each([
  ["ImageModel", image, 2881],
  ["the baseline", baseline, 3089],
] as const)("a step of %s takes the operations that the design gives", (_, graphs, gigaflops) => {
  expect(Math.round(costOf(named(graphs, "denoise"), 1).flops / 1e9)).toBe(gigaflops);
});
