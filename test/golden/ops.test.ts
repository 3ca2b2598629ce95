// Each op alone, at odd shapes, against PyTorch: by its reference, and by ONNX Runtime through the emitted graph, in both precisions.

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import { onnxPasses, runPasses } from "../../compiler/passes/passes.ts";
import { emitOnnx } from "../../compiler/targets/onnx/emit.ts";
import { floatsToHalves, halvesToFloats } from "../../runtime/half.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { caseNames, readCase, relativeError } from "./cases.ts";
import { isWave, opGraph } from "./op-graph.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof import("onnxruntime-node");

/** One op sums at most a few hundred f32 products: orders of summation differ by less than 1e-6 of the result. */
const tolerance = 1e-5;
/** Angles reach 999 rad, where neighbouring f32 numbers lie 6e-5 apart: engines that round the product differently differ by as much. */
const angleTolerance = 6e-5;
/** Inputs, weights and results are rounded to 11 bits, which errs by 5e-4 each; an attention rounds some times more on its way. */
const halfTolerance = 5e-3;

async function byOnnx(name: string, dtype: "f32" | "f16"): Promise<Float32Array> {
  const golden = readCase(name);
  const session = await ort.InferenceSession.create(emitOnnx(runPasses(runPasses(opGraph(golden, dtype)), onnxPasses), new Map()), {
    intraOpNumThreads: 1,
  });
  const halves = dtype === "f16" && golden.metadata.get("op") !== "sinusoid";
  const feeds = Object.fromEntries(
    [...golden.inputs].map(([key, { dtype: stored, shape, data }]) => {
      if (stored === "i32") return [key, new ort.Tensor("int32", data as Int32Array, shape)];
      const floats = data as Float32Array;
      return [key, halves ? new ort.Tensor("float16", floatsToHalves(floats), shape) : new ort.Tensor("float32", floats, shape)];
    }),
  );
  const { output } = await session.run(feeds);
  await session.release();
  const data = output?.data as Float32Array | Uint16Array;
  return data instanceof Float32Array ? data : halvesToFloats(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2));
}

describe.each(caseNames("op").map((name) => [name, readCase(name)] as const))("%s", (name, golden) => {
  const expected = floatsOf(golden.tensors.get("output") as TensorData);

  test("the reference", () => {
    const inputs = new Map([...golden.inputs].map(([key, { shape, data }]) => [key, { shape, data: data as Float32Array }]));
    const noWeights = () => {
      throw new Error("an op's case has no weights");
    };
    const found = interpret(opGraph(golden, "f32"), inputs, noWeights).get("output");
    expect(found?.shape).toEqual(golden.tensors.get("output")?.shape);
    expect(relativeError(found?.data ?? [], expected)).toBeLessThan(tolerance);
  });

  test("ONNX Runtime", async () => {
    const limit = golden.metadata.get("op") === "sinusoid" ? angleTolerance : tolerance;
    expect(relativeError(await byOnnx(name, "f32"), expected)).toBeLessThan(limit);
  });

  test.skipIf(isWave(name))("ONNX Runtime in halves", async () => {
    expect(relativeError(await byOnnx(name, "f16"), expected)).toBeLessThan(halfTolerance);
  });
});
