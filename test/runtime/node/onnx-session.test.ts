/** Single graphs on ONNX Runtime: precisions at the boundary, and feeds that do not fit. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPipeline, type Pipeline } from "../../../runtime/index.ts";
import { f32, i32 } from "../../../runtime/tensor.ts";
import { type TinyPackage, tinyPackage } from "../tiny-package.ts";

let tiny: TinyPackage;
let pipeline: Pipeline;

beforeAll(async () => {
  tiny = await tinyPackage();
  pipeline = await loadPipeline(tiny.folder, { threads: 1 });
});
afterAll(() => tiny.remove());

test("a graph of halves takes f32 and f16, and gives f16", async () => {
  const twice = { dtype: "f16", shape: [3], data: Uint16Array.of(0x4000, 0xc400, 0x3800) };
  expect((await pipeline.run("double", { h: f32([3], Float32Array.of(1, -2, 0.25)) })).twice).toEqual(twice);
  const halves = { dtype: "f16", shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x3400) } as const;
  expect((await pipeline.run("double", { h: halves })).twice).toEqual(twice);
});

test("weights come from the weight file by offset", async () => {
  const { text } = await pipeline.run("encodeText", { tokens: i32([1, 6], Int32Array.of(0, 1, 2, 3, 4, 7)) });
  const rows = [0, 1, 2, 3, 4, 7].flatMap((t) => [t / 60, (10 * t) / 60, (100 * t) / 60]);
  expect(text).toEqual({ dtype: "f32", shape: [1, 6, 3], data: Float32Array.from(rows) });
});

test("feeds that do not fit", async () => {
  const context = f32([2, 1, 1], new Float32Array(2));
  const t = f32([2], new Float32Array(2));
  const z = f32([2, 2, 1, 1, 2], new Float32Array(8));
  const run = (feeds: Parameters<Pipeline["run"]>[1]) => pipeline.run("denoise.step", feeds);
  await expect(run({ z, t })).rejects.toMatchObject({
    code: "tensor-missing",
    message: 'graph "denoise.step" needs the tensor "context", which was not given',
    hint: "give it as f32 [2, 1, 1]",
  });
  await expect(run({ z, t, context, w: t })).rejects.toMatchObject({
    code: "tensor-unknown",
    message: 'graph "denoise.step" takes no tensor "w"',
    hint: 'it takes "z", "t", "context"',
  });
  await expect(run({ z: f32([2, 2, 1, 2, 1], new Float32Array(8)), t, context })).rejects.toMatchObject({
    code: "tensor-shape",
    message: '"z" of graph "denoise.step" must have the shape [2, 2, 1, 1, 2] (B, F, Z, H, W), found [2, 2, 1, 2, 1]',
  });
  await expect(run({ z: f32([2, 2, 1, 1, 2], new Float32Array(7)), t, context })).rejects.toMatchObject({ code: "tensor-shape" });
  await expect(run({ z, t: i32([2], new Int32Array(2)), context })).rejects.toMatchObject({
    code: "tensor-dtype",
    message: '"t" of graph "denoise.step" must be f32, found i32',
  });
  await expect(pipeline.run("step", {})).rejects.toMatchObject({
    code: "graph-unknown",
    message: 'there is no graph "step" in the package',
  });
});

test("what the engine refuses is one sentence", async () => {
  const tokens = i32([1, 6], Int32Array.of(0, 0, 0, 0, 0, 99));
  await expect(pipeline.run("encodeText", { tokens })).rejects.toMatchObject({
    code: "graph-failed",
    message: expect.stringMatching(/^graph "encodeText" failed in the engine: [^\n]*99[^\n]*$/),
  });
});

test("after dispose nothing runs", async () => {
  const other = await loadPipeline(tiny.folder, { threads: 1 });
  await other.run("double", { h: f32([3], new Float32Array(3)) });
  await other.dispose();
  await expect(other.run("double", { h: f32([3], new Float32Array(3)) })).rejects.toMatchObject({ code: "disposed" });
});
