// The video transformer of models/ as a user meets it: read in one sitting, built for both targets, compared value by value, and sampled.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { parseSafetensorsHeader, storedToTensor } from "../../runtime/safetensors.ts";
import { floatsOf } from "../../runtime/tensor.ts";
import { named, weightsOf } from "../compiler/expand/expanded.ts";
import { compileFile, goldenWeight, readCase, relativeError } from "../golden/cases.ts";
import { noGpu } from "../gpu.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const model = "models/video-transformer/video-transformer.mv";
const backends = noGpu === undefined ? ["onnx", "webgpu"] : ["onnx"];
const folder = temporaryFolder();
const [built, weights] = [join(folder, "built"), join(folder, "weights.safetensors")];

beforeAll(async () => {
  // Weights as trained ones are: gates and head start at zero, which would hide all that lies before them.
  const shapes = Object.entries(weightsOf(named(compileFile(model, { preset: "Mini" }).graphs, "denoise")));
  const stored = shapes.map(([path, shape]) => tensorSource(path, { dtype: "f32", shape, data: goldenWeight(path, shape) }));
  await writeSafetensors(weights, stored);
  expect(await mvc(["build", model, "--preset", "Mini", "--weights", weights, "-o", built])).toMatchObject({ code: 0, err: "" });
});
afterAll(() => rmSync(folder, { recursive: true }));

test("it has fewer than 100 lines in the one style, and no frame reads a later one", async () => {
  expect(readFileSync(model, "utf8").trimEnd().split("\n").length).toBeLessThan(100);
  expect(await mvc(["format", "--check", model])).toMatchObject({ code: 0 });
  expect(await mvc(["check", model])).toEqual({ code: 0, out: `ok ${model}\n`, err: "" });
  expect((await mvc(["report", model])).out).toContain("axes: B independent, F directed, ");
});

test.each(backends)("diff: %s agrees with the interpreter, value by value", async (backend) => {
  const { inputs } = readCase("family-video-transformer");
  const file = join(folder, "inputs.safetensors");
  await writeSafetensors(
    file,
    [...inputs].map(([name, tensor]) => tensorSource(name, tensor)),
  );
  const { code, out } = await mvc(["diff", built, "denoise", "--inputs", file, "--backend", backend]);
  expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`^agree: \\d+ values by ${backend} and reference within 0\\.0001`))]);
});

test("a class is sampled, on each backend the same clip, and another class another", async () => {
  const sampled = async (backend: string, label: number) => {
    const file = join(folder, `${backend}-${label}.safetensors`);
    const words = ["--input", `label=${label}`, "--steps", "3", "--seed", "7", "--backend", backend, "-o", file];
    expect(await mvc(["sample", built, ...words])).toMatchObject({ code: 0 });
    const bytes = readFileSync(file);
    const [stored, ...others] = parseSafetensorsHeader(bytes, bytes.byteLength, file).tensors.values();
    if (stored === undefined || others.length > 0) throw new Error(`${file} holds other than one latent`);
    return floatsOf(storedToTensor(stored, bytes.subarray(stored.start, stored.end), file));
  };
  const [first, ...rest] = await Promise.all(backends.map((backend) => sampled(backend, 3)));
  if (first === undefined) throw new Error("no backend sampled");
  // Three steps of f32 rounding, each some 1e-6; a wrong step differs by a hundredth and more.
  for (const other of rest) expect(relativeError(other, first)).toBeLessThan(1e-4);
  expect(relativeError(await sampled("onnx", 1), first)).toBeGreaterThan(1e-2);
});
