// The gradient of each op against PyTorch's autograd, by the interpreter in f64 and by ONNX Runtime.

import { expect, test } from "vitest";
import { interpretWide } from "../../../compiler/analysis/interpret.ts";
import { differentiate, gradientName } from "../../../compiler/differentiate/differentiate.ts";
import { type Attributes, type Graph, sizeOf } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { opTable } from "../../../compiler/ops/table.ts";
import { lowerComposites } from "../../../compiler/passes/lower.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { normals, streamOf, uniforms } from "../../../runtime/sampler/random.ts";
import { floatsOf, type TensorData } from "../../../runtime/tensor.ts";
import { caseNames, type GoldenCase, readCase, readTensors, relativeError } from "../../golden/cases.ts";
import { opGraph } from "../../golden/op-graph.ts";
import { outputsByOnnx } from "../ops/one-op.ts";
import { asWeight, weighed, weightPaths, wide } from "./central.ts";

const { metadata, tensors } = readTensors("golden/gradients/ops.safetensors");

interface Further {
  readonly name: string;
  readonly op: OpName;
  readonly attributes: Attributes;
  readonly inputs: { readonly [name: string]: readonly number[] };
}

/** Those that golden/cases has not, by the rule in golden/reference/make_gradients.py. */
const further = (JSON.parse(metadata.get("cases") ?? "[]") as readonly Further[]).map(({ name, op, attributes, inputs }): GoldenCase => {
  const made = Object.entries(inputs).map(([key, shape]): [string, TensorData] => {
    const stream = streamOf(`${name}/${key}`);
    if (key === "ints")
      return [key, { dtype: "i32", shape, data: Int32Array.from(uniforms(7, stream, sizeOf(shape)), (x) => Math.floor(x * 4)) }];
    const data = normals(7, stream, sizeOf(shape)).map((x) =>
      name.endsWith("-halves") ? halved(x) : key === "positive" ? Math.abs(x) + 0.5 : x,
    );
    return [key, { dtype: "f32", shape, data }];
  });
  return {
    name,
    metadata: new Map([
      ["op", op],
      ["attributes", JSON.stringify(attributes)],
    ]),
    inputs: new Map(made),
    tensors: new Map(),
  };
});

/** As numpy rounds, ties to even; of normals there are none. */
function halved(x: number): number {
  return Math.round(2 * x) / 2;
}

const cases = [...caseNames("op").map(readCase), ...further].map((golden) => [golden.name, golden] as const);

/** Floats are weights, ids stay inputs; the loss is the sum that the golden's is. */
function lossOf(golden: GoldenCase): Graph {
  const graph = opGraph(golden, "f32");
  const builder = new GraphBuilder();
  for (const value of graph.values) builder.keep(asWeight(value));
  const loss = weighed(builder, graph.outputs[0]?.value ?? -1, 7, streamOf(`${golden.name}/gradient`));
  return builder.finish(graph.name, [{ name: "loss", value: loss, axes: ["1"] }]);
}

test.each(cases)("%s", async (name, golden) => {
  const loss = lossOf(golden);
  const paths = weightPaths(loss);
  const graph = differentiate(loss, paths);
  const floats = (path: string) => floatsOf(golden.inputs.get(path) as TensorData);
  const inputs = new Map(
    [...golden.inputs].flatMap(([key, { dtype, shape, data }]) =>
      dtype === "i32" ? [[key, { shape, data: data as Int32Array }] as const] : [],
    ),
  );
  const made = interpretWide(graph, inputs, (path) => wide(golden.inputs.get(path)?.shape ?? [], floats(path)));
  const weights = new Map(paths.map((path) => [path, { shape: golden.inputs.get(path)?.shape ?? [], data: floats(path) }]));
  const byOnnx = await outputsByOnnx(lowerComposites(graph), { inputs, weights });
  for (const path of paths) {
    const expected = floatsOf(tensors.get(`${name}/${path}`) as TensorData);
    // Both in f64, PyTorch's rounded to f32 at the end, and constants that were f32 before: frequencies.
    expect([path, relativeError(made.get(gradientName(path))?.data ?? [], expected)]).toEqual([
      path,
      expect.toSatisfy((error: number) => error < 1e-6),
    ]);
    expect([path, relativeError(byOnnx.get(gradientName(path))?.data ?? [], expected)]).toEqual([
      path,
      expect.toSatisfy((error: number) => error < 1e-4),
    ]);
  }
});

test("every op has a golden gradient", () => {
  const tested = new Set(cases.map(([, golden]) => golden.metadata.get("op")));
  // A cast and a wait change no number, and a step has no slope.
  expect(Object.keys(opTable).filter((op) => !tested.has(op))).toEqual(["cast", "after", "step"]);
});
