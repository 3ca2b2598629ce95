// A graph's outputs on the device beside the interpreter's, on inputs and weights of its own.

import { rmSync } from "node:fs";
import { expect } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { type DeviceLimits, defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { floatToHalf, halfToFloat } from "../../runtime/half.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { elements, floatsOf, type TensorData } from "../../runtime/tensor.ts";
import type { Choices } from "../../runtime/webgpu/tuning.ts";
import { openRunnerOnShared } from "../gpu.ts";
import { compileFile, goldenWeight, relativeError } from "./cases.ts";
import { plansOf, writePackage } from "./package-folder.ts";

/** By the graph's precision. Sums of at most some thousand f32 products, through at most a dozen ops; each value that is stored as a half is off by up to 5e-4 of itself, and differences and norms make that some times larger. */
export const tolerances = { f32: 1e-4, f16: 2e-2 } as const;

const frame = compileFile("golden/cases/blocks.mv", { preset: "Small" });

interface Compared {
  readonly name: string;
  readonly found: Float32Array | Int32Array;
  readonly expected: Float32Array | Int32Array;
}

const numbersOf = (tensor: TensorData) => (tensor.dtype === "i32" ? tensor.data : floatsOf(tensor));

/** The graph's outputs on the device and by the interpreter. */
export async function both(graph: Graph, choices: Choices = {}, limits: DeviceLimits = defaultLimits): Promise<readonly Compared[]> {
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
  const folder = writePackage(alone, weightOf, undefined, { onnx: false, plans: plansOf(alone, limits) });
  const runner = await openRunnerOnShared(folder, { tunings: { read: async () => choices, write: async () => {} } });
  try {
    const outputs = await runner.run(graph.name, Object.fromEntries(inputs));
    const shapes = new Map(graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])));
    const weight = (path: string) => ({ shape: shapes.get(path) ?? [], data: weightOf(path, shapes.get(path) ?? []) });
    const plain = new Map(inputs.map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
    const expected = interpret(graph, plain, weight);
    return graph.outputs.map(({ name }) => ({
      name,
      found: numbersOf(outputs[name] as TensorData),
      expected: expected.get(name)?.data as Float32Array | Int32Array,
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

/** Fails the test where an output is further off than `within` of its largest value. `choices` are kernels that run in place of the plan's, which is made for `limits`. */
export async function agree(graph: Graph, within: number, choices: Choices = {}, limits: DeviceLimits = defaultLimits): Promise<void> {
  for (const { name, found, expected } of await both(graph, choices, limits)) {
    const error = relativeError(found, expected);
    const zero = expected.every((value) => value === 0) && found.every((value) => value === 0);
    expect(zero ? 0 : error, `${name} of\n${told(graph)}\noutputs ${JSON.stringify(graph.outputs.map(({ value }) => value))}`).toBeLessThan(
      within,
    );
  }
}
