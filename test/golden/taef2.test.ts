// TAEF2's published weights, built as they are: a photograph to its latent and back is what the authors' code makes of it.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPng } from "../../cli/media/read-png.ts";
import { referenceRunner } from "../../cli/reference-runner.ts";
import { onnxRunner, openPackage, type Package, packageFolder, readSafetensors, type Tensors } from "../../runtime/index.ts";
import type { GraphRunner } from "../../runtime/session.ts";
import { f32, floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { mvc, temporaryFolder } from "../cli/mvc.ts";
import { noGpu, openRunnerOnShared } from "../gpu.ts";
import { readCase, relativeError } from "./cases.ts";

/** Sums of 576 f32 products in another order than PyTorch's, through some forty convolutions: 2e-6 was the most that was seen. */
const tolerance = 1e-5;

const folder = temporaryFolder();
const [whole, small] = [join(folder, "whole"), join(folder, "small")];
const crop = readCase("taef2-crop");
const size = Number(crop.metadata.get("size"));

beforeAll(async () => {
  const from = ["build", "models/taef2.mv", "--weights", "golden/taef2", "-o"];
  for (const args of [
    [...from, whole],
    [...from, small, "--set", `H=${size}`, "--set", `W=${size}`],
  ]) {
    const { code, err } = await mvc(args);
    expect(`${code} ${err}`).toMatch(/^0 /);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const png = readPng(readFileSync("golden/taef2/cat.png"), "cat.png");

/** A square of the photograph, 0 to 1. */
function photograph(top: number, left: number, side: number): TensorData {
  const data = Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [c, y, x] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
    return (png.data[((top + y) * png.width + left + x) * 4 + c] ?? 0) / 255;
  });
  return f32([1, 3, side, side], data);
}

const first = (outputs: Tensors) => Object.values(outputs)[0] as TensorData;

/** The picture encoded, and what was encoded decoded, beside what is expected. */
async function errors(runner: GraphRunner, picture: TensorData, expected: { readonly [name: string]: TensorData | undefined }) {
  try {
    const latent = first(await runner.run("encode", { picture }));
    const decoded = first(await runner.run("decode", { latent }));
    const error = (found: TensorData, name: string) => relativeError(floatsOf(found), floatsOf(expected[name] as TensorData));
    return { latent: error(latent, "latent"), decoded: error(decoded, "decoded") };
  } finally {
    await runner.dispose();
  }
}

test("the photograph by ONNX Runtime, beside the authors' outputs", async () => {
  const pack = await openPackage(packageFolder(whole));
  const found = await errors(onnxRunner(pack, whole), photograph(0, 0, png.width), await readSafetensors("golden/taef2/cat.safetensors"));
  expect(found.latent).toBeLessThan(tolerance);
  expect(found.decoded).toBeLessThan(tolerance);
});

/** Whole pictures take the interpreter half a minute and a software adapter as long: measured once, both were within 2e-6 too. */
describe("a part of it beside PyTorch, which gives the authors' outputs for the whole", () => {
  const part = photograph(Number(crop.metadata.get("top")), Number(crop.metadata.get("left")), size);
  const opened: readonly (readonly [string, (pack: Package) => Promise<GraphRunner>])[] = [
    ["ONNX Runtime", async (pack) => onnxRunner(pack, small)],
    ["the interpreter", async (pack) => referenceRunner(pack, small)],
    ...(noGpu === undefined ? ([["WebGPU", () => openRunnerOnShared(small)]] as const) : []),
  ];
  test.each(opened)("by %s", async (_, open) => {
    const found = await errors(await open(await openPackage(packageFolder(small))), part, Object.fromEntries(crop.tensors));
    expect(found.latent).toBeLessThan(tolerance);
    expect(found.decoded).toBeLessThan(tolerance);
  });
});
