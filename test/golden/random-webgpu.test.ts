// Every op of the table on the device, at random legal shapes and attributes, alone and in random company, against its reference.

import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/graph/graph.ts";
import { interpret } from "../../compiler/interpret.ts";
import { floatToHalf, halfToFloat } from "../../runtime/half.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { elements, floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { opNames, randomCalls, randomGraph } from "../compiler/random-graph.ts";
import { noGpu, openRunnerOnShared } from "../gpu.ts";
import { compileFile, goldenWeight, relativeError } from "./cases.ts";
import { plansOf, writePackage } from "./package-folder.ts";

/** Sums of at most some thousand f32 products, through at most a dozen ops. */
const tolerance = 1e-4;
/** Each value that is stored as a half is off by up to 5e-4 of itself; differences and norms make that some times larger. */
const halfTolerance = 2e-2;

const frame = compileFile("golden/cases/blocks.mv", { preset: "Small" });

/** The graph's outputs on the device and by the interpreter. */
async function both(
  graph: Graph,
): Promise<readonly { readonly name: string; readonly found: Float32Array; readonly expected: Float32Array }[]> {
  const inputs = graph.values.flatMap((value, stream) => {
    if (value.kind !== "input") return [];
    const { shape, dtype } = value.type;
    const numbers = normals(3, stream, elements(shape));
    const tensor: TensorData =
      dtype === "i32"
        ? { dtype, shape, data: Int32Array.from(numbers, (number) => Math.abs(Math.trunc(number * 3)) % 9) }
        : { dtype: "f32", shape, data: dtype === "f16" ? numbers.map(rounded) : numbers };
    return [[value.name, tensor] as const];
  });
  const half = graph.values.some(({ type }) => type.dtype === "f16");
  const weightOf = (path: string, shape: readonly number[]) => (half ? goldenWeight(path, shape).map(rounded) : goldenWeight(path, shape));
  const alone = { ...frame, graphs: new Map([[graph.name, graph]]), sampler: null };
  const folder = writePackage(alone, weightOf, undefined, { onnx: false, plans: plansOf(alone) });
  const runner = await openRunnerOnShared(folder);
  try {
    const outputs = await runner.run(graph.name, Object.fromEntries(inputs));
    const shapes = new Map(graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])));
    const weight = (path: string) => ({ shape: shapes.get(path) ?? [], data: weightOf(path, shapes.get(path) ?? []) });
    const plain = new Map(inputs.map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
    const expected = interpret(graph, plain, weight);
    return graph.outputs.map(({ name }) => ({
      name,
      found: floatsOf(outputs[name] as TensorData),
      expected: expected.get(name)?.data as Float32Array,
    }));
  } finally {
    await runner.dispose();
    rmSync(folder, { recursive: true });
  }
}

const rounded = (number: number) => halfToFloat(floatToHalf(number));

/** What the graph computes, for whoever reads a failure. */
function told(graph: Graph): string {
  return graph.values
    .map((value) => {
      const type = `%${value.id} ${value.type.dtype}[${value.type.shape.join(",")}]`;
      return value.kind === "op"
        ? `${type} = ${value.op}(${value.inputs.join(", ")}) ${JSON.stringify(value.attributes)}`
        : `${type} ${value.kind}`;
    })
    .join("\n");
}

async function agree(graph: Graph, within: number): Promise<void> {
  for (const { name, found, expected } of await both(graph)) {
    const error = relativeError(found, expected);
    const zero = expected.every((value) => value === 0) && found.every((value) => value === 0);
    expect(zero ? 0 : error, `${name} of\n${told(graph)}\noutputs ${JSON.stringify(graph.outputs.map(({ value }) => value))}`).toBeLessThan(
      within,
    );
  }
}

const precisions = [
  ["f32", tolerance],
  ["f16", halfTolerance],
] as const;

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  describe.each(precisions)("%s", (dtype, within) => {
    test.each(opNames)("%s", (op) => agree(randomCalls(op, 1, dtype, 6), within));
    test.each(Array.from({ length: 24 }, (_, seed) => seed))("ops in random company, seed %d", (seed) =>
      agree(randomGraph(seed, dtype, 10), within),
    );
  });
});
