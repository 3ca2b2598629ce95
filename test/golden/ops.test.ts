// Each op alone, at odd shapes, against PyTorch: by its reference, by ONNX Runtime through the emitted graph, and on WebGPU.

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import type { Attributes, Graph, Origin } from "../../compiler/graph/graph.ts";
import type { OpName } from "../../compiler/graph/op-names.ts";
import { opEntry } from "../../compiler/ops/table.ts";
import { onnxPasses, runPasses } from "../../compiler/passes/passes.ts";
import { GraphBuilder, inferType } from "../../compiler/rewriting/builder.ts";
import { emitOnnx } from "../../compiler/targets/onnx/emit.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { noGpu } from "../gpu.ts";
import { byDevice, tolerances } from "./beside-interpreter.ts";
import { caseNames, type GoldenCase, readCase, relativeError } from "./cases.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof import("onnxruntime-node");

/** One op sums at most a few hundred f32 products: orders of summation differ by less than 1e-6 of the result. */
const tolerance = 1e-5;
/** Angles reach 999 rad, where neighbouring f32 numbers lie 6e-5 apart: engines that round the product differently differ by as much. */
const angleTolerance = 6e-5;

const origin: Origin = { path: "op", span: { file: "test", start: 0, end: 0 }, expandedFrom: [] };

/** The op's attributes: those of the case over the table's defaults. */
function attributesOf(op: OpName, given: Attributes): Attributes {
  const defaults = opEntry(op).signature.attributes.flatMap((row) => (row.default === undefined ? [] : [[row.name, row.default] as const]));
  const dtype = op === "sinusoid" || op === "embedding" ? { dtype: "f32" } : {};
  return { ...Object.fromEntries(defaults), ...given, ...dtype };
}

/** The case holds the weights too: they are inputs of the graph here, or weights as a kernel packs them. */
function graphOf(golden: GoldenCase, weights: "given" | "packed" = "given"): Graph {
  const op = golden.metadata.get("op") as OpName;
  const attributes = attributesOf(op, JSON.parse(golden.metadata.get("attributes") ?? "{}") as Attributes);
  const builder = new GraphBuilder();
  const { inputs: own, ownsWeights } = opEntry(op).signature;
  const inputs = [...golden.inputs].map(([name, { dtype, shape }], i) =>
    weights === "packed" && ownsWeights && i >= own.length
      ? builder.weight(name, { dtype, shape }, { kind: "zeros" })
      : builder.input(name, { dtype, shape }, shape.map(String)),
  );
  const type = inferType(
    op,
    inputs.map((id) => builder.typeOf(id)),
    attributes,
  );
  return builder.finish(op, [{ name: "output", value: builder.op(op, inputs, attributes, origin, type), axes: type.shape.map(String) }]);
}

describe.each(caseNames("op").map((name) => [name, readCase(name)] as const))("%s", (_, golden) => {
  const expected = floatsOf(golden.tensors.get("output") as TensorData);
  const graph = graphOf(golden);

  test("the reference", () => {
    const inputs = new Map([...golden.inputs].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
    const noWeights = () => {
      throw new Error("an op's case has no weights");
    };
    const found = interpret(graph, inputs, noWeights).get("output");
    expect(found?.shape).toEqual(golden.tensors.get("output")?.shape);
    expect(relativeError(found?.data ?? [], expected)).toBeLessThan(tolerance);
  });

  test("ONNX Runtime", async () => {
    const session = await ort.InferenceSession.create(emitOnnx(runPasses(runPasses(graph), onnxPasses), new Map()), {
      intraOpNumThreads: 1,
    });
    const feeds = Object.fromEntries(
      [...golden.inputs].map(([name, { dtype, shape, data }]) => [
        name,
        new ort.Tensor(dtype === "i32" ? "int32" : "float32", data as Float32Array, shape),
      ]),
    );
    const found = (await session.run(feeds)).output;
    const limit = golden.metadata.get("op") === "sinusoid" ? angleTolerance : tolerance;
    expect(relativeError(found?.data as Float32Array, expected)).toBeLessThan(limit);
    await session.release();
  });

  test.skipIf(noGpu !== undefined)("WebGPU", async () => {
    const packed = graphOf(golden, "packed");
    const names = packed.values.flatMap((value) => (value.kind === "input" ? [value.name] : []));
    const given = new Map(names.map((name) => [name, golden.inputs.get(name) as TensorData]));
    const found = await byDevice(packed, given, (name) => floatsOf(golden.inputs.get(name) as TensorData));
    expect(relativeError(found.get("output") ?? [], expected)).toBeLessThan(tolerances.f32);
  });
});
