// Small checkpoints of Stable Diffusion in the forms that people have, as they are, in MagicVideo: each frame is what PyTorch makes of it by modules of that form.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onnxRunner, openPackage, packageFolder, readSafetensors, type Tensors } from "../../runtime/index.ts";
import type { GraphRunner } from "../../runtime/session.ts";
import { f32, floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { mvc, temporaryFolder } from "../cli/mvc.ts";
import { noGpu, openRunnerOnShared } from "../gpu.ts";
import { relativeError } from "./cases.ts";

/** Sums in other orders, through some forty layers: 2e-6 was the most that was seen. */
const tolerance = 1e-5;

const levels = [
  { width: 4, attends: false },
  { width: 8, attends: true },
];
const sizes = { H: 8, W: 8, L: 5, D: 8, F: 2, units: 1, groups: 2, heads: 2, textHeads: 2, latentScale: 1.0, vaeWidths: [4, 8], levels };
/** In version 2 heads are as many as fit, and the text encoder's GELU is the exact one. */
const versions = {
  v1: { textLayers: 2 },
  v2: { textLayers: 2, headWidth: 4, textActivation: "gelu" },
};

const checkpoints = [
  ["v1", "v1-compvis", "v1-compvis.ckpt"],
  ["v1", "v1-diffusers", "v1-diffusers"],
  ["v2", "v2-compvis", "v2-compvis.ckpt"],
  ["v2", "v2-diffusers", "v2-diffusers"],
] as const;

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const goldenOf = (name: string) => readSafetensors(join("golden/stable-diffusion", `${name}.golden.safetensors`));

/** The inputs of each graph: pictures as the frames of one clip. */
function feedsOf(golden: Tensors): { readonly [graph: string]: Tensors } {
  const clip = (name: string): TensorData => {
    const tensor = golden[name] as TensorData;
    return f32([1, ...tensor.shape], floatsOf(tensor));
  };
  const { t, text, tokens } = golden as { readonly [name: string]: TensorData };
  return {
    denoise: { z: clip("z"), t, text } as Tensors,
    encode: { x: clip("picture") },
    decode: { z: clip("z") },
    encodeText: { tokens } as Tensors,
  };
}

const graphs = ["denoise", "encode", "decode", "encodeText"] as const;
type GraphName = (typeof graphs)[number];

async function build(version: keyof typeof versions, file: string, place: string, more: readonly string[] = []): Promise<void> {
  const settings = Object.entries({ ...sizes, ...versions[version] }).flatMap(([key, value]) => [
    "--set",
    `${key}=${JSON.stringify(value)}`,
  ]);
  const weights = ["--weights", join("golden/stable-diffusion", file)];
  const { code, err } = await mvc(["build", "models/magicvideo.mv", "--preset", "Mini", ...settings, ...more, ...weights, "-o", place]);
  expect(`${code} ${err}`).toMatch(/^0 /);
}

async function outputOf(graph: GraphName, golden: Tensors, open: () => Promise<GraphRunner>): Promise<Float32Array> {
  const runner = await open();
  try {
    return floatsOf(Object.values(await runner.run(graph, feedsOf(golden)[graph] ?? {}))[0] as TensorData);
  } finally {
    await runner.dispose();
  }
}

describe.each(checkpoints)("Stable Diffusion %s, %s", (version, name, file) => {
  const place = join(folder, name);
  beforeAll(() => build(version, file, place));

  async function errorOf(graph: GraphName, open: () => Promise<GraphRunner>): Promise<number> {
    const golden = await goldenOf(name);
    return relativeError(await outputOf(graph, golden, open), floatsOf(golden[graph] as TensorData));
  }

  test.each(graphs)("%s by ONNX Runtime", async (graph) => {
    expect(await errorOf(graph, async () => onnxRunner(await openPackage(packageFolder(place)), place))).toBeLessThan(tolerance);
  });
  test.skipIf(noGpu !== undefined).each(graphs)("%s on WebGPU", async (graph) => {
    expect(await errorOf(graph, () => openRunnerOnShared(place))).toBeLessThan(tolerance);
  });
});

/** As `neutral.test.ts` has it for the interpreter and ONNX Runtime: here, because the kernels of the whole are compiled already. */
test.skipIf(noGpu !== undefined)("on WebGPU each frame of the whole is the image model's, bit for bit", async () => {
  const [whole, image] = [join(folder, "whole"), join(folder, "image")];
  await build("v1", "v1-diffusers", whole);
  await build("v1", "v1-diffusers", image, ["--ablation", "ImageModel"]);
  const golden = await goldenOf("v1-diffusers");
  const [found, expected] = [await denoised(whole), await denoised(image)];
  expect(found.length).toBe(2 * 4 * 8 * 8);
  // By ===, for which -0 is 0: adding 0 makes it that.
  expect(found.filter((value, i) => value !== expected[i])).toHaveLength(0);

  function denoised(place: string): Promise<Float32Array> {
    return outputOf("denoise", golden, () => openRunnerOnShared(place));
  }
});
