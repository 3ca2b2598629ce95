// Gradients of convolutions and pools: against differences of the op itself, and by every target what the interpreter makes of them.

import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { windowGradients } from "../../../compiler/differentiate/windows.ts";
import { type Attributes, type Graph, type OpValueOf, sizeOf } from "../../../compiler/graph/graph.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { layOutWeights } from "../../../compiler/package/weights.ts";
import { runPasses, trainingPasses } from "../../../compiler/passes/passes.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";
import { type Block, emitOnnx } from "../../../compiler/targets/onnx/emit.ts";
import { decodeModel } from "../../../compiler/targets/onnx/proto.ts";
import { splitSums } from "../../../compiler/targets/webgpu/plan/split-sums.ts";
import { floatsOf, type TensorData } from "../../../runtime/tensor.ts";
import { blockOfKernels } from "../../../training/node/blocked-kernels.ts";
import { compileFile } from "../../golden/cases.ts";
import { plansOf, writePackage } from "../../golden/package-folder.ts";
import { noGpu, openRunnerOnShared } from "../../gpu.ts";
import { byReference, graphOf, outputsByOnnx, type Run, randomRun, relativeError } from "../ops/one-op.ts";

type Name = keyof typeof windowGradients;
type Case = readonly [op: Name, shape: readonly number[], attributes: Attributes, others?: readonly (readonly number[])[]];

const cases: readonly Case[] = [
  ["conv1d", [2, 3, 7], { out: 4, kernel: 3 }],
  ["conv1d", [2, 2, 6], { out: 3, kernel: 4 }],
  ["conv1d", [1, 3, 7], { out: 3, kernel: 3, padding: "causal", dilation: 2, groups: 3 }],
  // Two places are left over.
  ["conv1d", [2, 2, 9], { out: 2, kernel: 2, stride: 3, padding: "none" }],
  ["conv1d", [2, 3, 1], { out: 2, kernel: 1, padding: 2, bias: false }],
  ["conv2d", [2, 3, 5, 4], { out: 4, kernel: 3 }],
  ["conv2d", [1, 2, 2, 4, 6], { out: 3, kernel: 3, stride: 2 }],
  ["conv2d", [1, 2, 6, 4], { out: 2, kernel: 3, stride: 2, padding: "end" }],
  // A last window that begins within the axis and would end far beyond it is dropped.
  ["conv2d", [1, 2, 8, 5], { out: 2, kernel: [5, 4], stride: [3, 2], padding: [1, "same"] }],
  ["conv2d", [2, 4, 5, 7], { out: 6, kernel: [2, 3], stride: [1, 2], padding: ["causal", "none"], dilation: [2, 1], groups: 2 }],
  ["conv2d", [2, 3, 3, 3], { out: 4, kernel: 1 }],
  ["conv3d", [1, 2, 3, 4, 5], { out: 3, kernel: [3, 1, 2], padding: ["causal", "none", "end"] }],
  ["conv3d", [1, 4, 4, 3, 5], { out: 4, kernel: 3, stride: [1, 2, 2], groups: 4 }],
  ["convTranspose1d", [2, 3, 5], { out: 4, kernel: 3, stride: 2 }],
  ["convTranspose1d", [2, 4, 4], { out: 4, kernel: 5, stride: 3, padding: "causal", groups: 4 }],
  ["convTranspose1d", [2, 2, 4], { out: 2, kernel: 2, stride: 3, padding: "none" }],
  ["convTranspose2d", [1, 4, 3, 4], { out: 6, kernel: [2, 3], stride: [2, 1], padding: ["none", "same"], dilation: [2, 1], groups: 2 }],
  ["convTranspose2d", [2, 2, 3, 3], { out: 3, kernel: 4, stride: 2 }],
  ["convTranspose3d", [1, 2, 2, 3, 2], { out: 3, kernel: [1, 4, 4], stride: [1, 2, 2], padding: [0, 1, 1], bias: false }],
  ["averagePool1d", [3, 7], { kernel: 3 }],
  ["averagePool1d", [2, 9], { kernel: 2, stride: 3 }],
  ["averagePool2d", [4, 7], { kernel: [2, 3], stride: 1 }],
  ["averagePool2d", [2, 3, 7, 6], { kernel: [5, 2], stride: [2, 2] }],
  ["averagePool3d", [2, 3, 4, 5], { kernel: [1, 2, 2], stride: [2, 1, 2] }],
  ["convWeightGradient", [2, 4, 6], { kernel: [3], stride: [2], dilation: [1], before: [1], groups: 2 }, [[2, 2, 3]]],
  [
    "convWeightGradient",
    [1, 2, 5, 4],
    { kernel: [2, 1], stride: [1, 3], dilation: [2, 1], before: [0, 0], groups: 1 },
    // More places than windows within the axes, and fewer.
    [[1, 3, 5, 1]],
  ],
];

/** Into `builder`, the gradients of Σ y · gradient to all that the op reads, where y is the op's result. */
function differentiated(builder: GraphBuilder, [op, first, attributes, others = []]: Case, name: string) {
  const forward = graphOf(
    op,
    [first, ...others].map((shape) => ({ dtype: "f32", shape })),
    attributes,
  );
  const value = forward.values.find((one) => one.kind === "op") as OpValueOf<Name>;
  const kept = forward.values.flatMap((one) => {
    if (one.kind === "input") return [builder.input(`${name}.${one.name}`, one.type, one.axes)];
    return one.kind === "weight" ? [builder.weight(`${name}.${one.path}`, one.type, one.init)] : [];
  });
  const result = builder.op(op, kept, value.attributes, value.origin);
  const gradient = builder.input(`${name}.gradient`, value.type, value.type.shape.map(String));
  const rule = windowGradients[op] as (typeof windowGradients)["conv2d"];
  const made = rule(builder.lowering(value.origin), {
    inputs: kept,
    result,
    type: value.type,
    attributes: value.attributes as OpValueOf<"conv2d">["attributes"],
    gradient,
    wanted: kept.map(() => true),
  });
  return {
    forward,
    names: forward.values.flatMap((one) => (one.kind === "input" ? [one.name] : one.kind === "weight" ? [one.path] : [])),
    made,
  };
}

/** Cases in one graph, which a target loads once. */
function together(cases: readonly Case[]) {
  const builder = new GraphBuilder();
  const all = cases.map((row, i) => ({ name: `case${i}`, ...differentiated(builder, row, `case${i}`) }));
  const outputs = all.flatMap(({ name, names, made }) =>
    made.map((value, i) => {
      if (value === undefined) throw new Error(`${name} has no gradient to ${names[i]}`);
      return { name: `${name} to ${names[i]}`, value, axes: builder.typeOf(value).shape.map(String) };
    }),
  );
  return { all, graph: builder.finish("gradients", outputs) };
}

const { all, graph } = together(cases);
const run = randomRun(graph, 11);
const gradientsOf = (graph: Graph, run: Run) => interpret(graph, run.inputs, (path) => run.weights.get(path) as Tensor);
const gradients = gradientsOf(graph, run);

/** Σ y · gradient of a case. */
function loss(forward: Graph, own: Run, factors: Tensor): number {
  return [...byReference(forward, own).data].reduce((sum, y, i) => sum + y * (factors.data[i] ?? Number.NaN), 0);
}

describe("each gradient is the difference that the op itself makes", () => {
  test.each(all.map((one, i) => [JSON.stringify(cases[i]), one] as const))("%s", (_, { name, forward, names }) => {
    const tensorOf = (own: string) => (run.inputs.get(`${name}.${own}`) ?? run.weights.get(`${name}.${own}`)) as Tensor;
    const factors = run.inputs.get(`${name}.gradient`) as Tensor;
    for (const own of names) {
      const { shape, data } = tensorOf(own);
      const differences = Float32Array.from(data, (_, i) => {
        // The ops are linear in each operand, so that a step of one is as good as a small one, and rounds less.
        const at = (step: number) => {
          const tensors = names.map(
            (one) => [one, one === own ? { shape, data: data.map((x, j) => (j === i ? x + step : x)) } : tensorOf(one)] as const,
          );
          const isInput = ([one]: readonly [string, Tensor]) => run.inputs.has(`${name}.${one}`);
          return loss(
            forward,
            { inputs: new Map(tensors.filter(isInput)), weights: new Map(tensors.filter((one) => !isInput(one))) },
            factors,
          );
        };
        return (at(1) - at(-1)) / 2;
      });
      // Results of the size of 5 are rounded to 24 bits before they are subtracted.
      expect(relativeError(gradients.get(`${name} to ${own}`) as Tensor, { shape, data: differences }), own).toBeLessThan(3e-6);
    }
  });
});

test("what is not wanted is not made, and of all that is asked for nothing else", () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", { dtype: "f32", shape: [1, 2, 4] }, ["N", "C", "T"]);
  const weight = builder.weight("w", { dtype: "f32", shape: [3, 2, 3] }, { kind: "zeros" });
  const { attributes, origin } = graphOf("conv1d", [{ dtype: "f32", shape: [1, 2, 4] }], { out: 3, kernel: 3, bias: false }).values.at(
    -1,
  ) as OpValueOf<"conv1d">;
  const result = builder.op("conv1d", [x, weight], attributes, origin);
  const [toX, toWeight] = windowGradients.conv1d(builder.lowering(origin), {
    ...{ inputs: [x, weight], result, type: builder.typeOf(result), attributes, gradient: result },
    wanted: [false, true],
  });
  expect(toX).toBeUndefined();
  expect(builder.typeOf(toWeight ?? -1).shape).toEqual([3, 2, 3]);
  expect(builder.finish("test", []).values.filter(({ kind }) => kind === "op")).toHaveLength(2);
});

// Sums of up to a hundred products in another order, in f32.
const tolerance = 1e-5;

test("ONNX Runtime makes the same", async () => {
  const found = await outputsByOnnx(graph, run);
  for (const [name, expected] of gradients) expect(relativeError(found.get(name) as Tensor, expected), name).toBeLessThan(tolerance);
});

const block = await blockOfKernels();

test.skipIf(block === undefined)("ONNX Runtime's blocked kernels make the same, where channels and images fill blocks", async () => {
  const { graph } = together([
    ["conv2d", [16, 16, 6, 6], { out: 32, kernel: 3 }],
    ["conv2d", [2, 8, 32, 7, 6], { out: 16, kernel: [3, 2], stride: 2, dilation: [1, 2] }],
    // Channels that fill none: a convolution as it is, whose weight's gradient has images in their place.
    ["conv2d", [16, 3, 6, 6], { out: 16, kernel: 3, bias: false }],
    // A window of one place is a product; groups have no blocks.
    ["conv2d", [16, 16, 3, 3], { out: 16, kernel: 1 }],
    ["conv2d", [16, 32, 6, 6], { out: 32, kernel: 3, groups: 2 }],
  ]);
  const run = randomRun(graph, 5);
  const options = { block: block as Block };
  const turned = runPasses(graph, trainingPasses);
  const { graph: model } = decodeModel(emitOnnx(turned, layOutWeights([turned]).weights, options));
  const written = model?.node?.filter(({ opType, domain }) => opType === "Conv" && domain === "com.microsoft.nchwc") ?? [];
  // Of the first the data's and the weight's gradient, of the second, whose data are spread, the weight's, as of the third; of the fourth the data's.
  expect(written).toHaveLength(5);
  const found = await outputsByOnnx(turned, run, options);
  for (const [name, expected] of gradientsOf(graph, run))
    expect(relativeError(found.get(name) as Tensor, expected), name).toBeLessThan(tolerance);
});

/** Of few channels and many places: sums that are worth splitting. */
const deep: readonly Case[] = [
  ["conv1d", [12, 2, 90], { out: 2, kernel: 3 }],
  ["conv2d", [2, 3, 4, 18, 17], { out: 2, kernel: [3, 2], stride: [1, 2], padding: "causal", groups: 2 }],
];

test("sums over many places are split among images, and are the same", () => {
  const { graph } = together(deep);
  const run = randomRun(graph, 3);
  const split = verify(splitSums(graph), "split-sums");
  const groups = split.values.flatMap((value) =>
    value.kind === "op" && value.op === "convWeightGradient" && value.id !== graph.values.find(({ id }) => id === value.id)?.id
      ? [value.attributes.groups]
      : [],
  );
  // Twelve images of 90 places in four parts of 270, as six would have 180; six of 162 places in three of 324, each of two groups.
  expect(groups).toEqual([4, 6]);
  const expected = gradientsOf(graph, run);
  for (const [name, found] of gradientsOf(split, run)) expect(relativeError(found, expected.get(name) as Tensor), name).toBeLessThan(1e-6);
});

test("products that add up many rows are split among them, and are the same", () => {
  const builder = new GraphBuilder();
  const origin = { path: "linear", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };
  const input = (name: string, ...shape: readonly number[]) => builder.input(name, { dtype: "f32", shape }, shape.map(String));
  const product = (rows: number) => {
    const turned = builder.op("transpose", [input(`g${rows}`, 2, rows, 5)], { permutation: [0, 2, 1] }, origin);
    const value = builder.op("matmul", [turned, input(`x${rows}`, 2, rows, 3)], {}, origin);
    return { name: `weight${rows}`, value, axes: ["2", "5", "3"] };
  };
  // In six parts of 256 rows; 511 have no two of as many.
  const graph = builder.finish("test", [product(1536), product(511)]);
  const split = verify(splitSums(graph), "split-sums");
  const shapes = split.values.flatMap((value) => (value.kind === "op" && value.op === "matmul" ? [value.type.shape] : []));
  expect(shapes.map((shape) => shape.join(" ")).sort()).toEqual(["2 5 3", "2 6 5 3"]);
  const run = randomRun(graph, 7);
  const expected = gradientsOf(graph, run);
  for (const [name, found] of gradientsOf(split, run)) expect(relativeError(found, expected.get(name) as Tensor), name).toBeLessThan(1e-6);
});

/** Channels in fours and filters in eights, which a thread goes through at once: rows that are one stretch, several, and several with a rest; places all in one row. */
const fours: readonly Case[] = [
  ["conv2d", [2, 4, 2, 5], { out: 8, kernel: 3 }],
  ["conv1d", [2, 8, 16], { out: 4, kernel: 3, dilation: 2 }],
  ["conv2d", [1, 4, 1, 11], { out: 16, kernel: [1, 5], groups: 1 }],
  ["conv2d", [2, 8, 3, 4], { out: 16, kernel: 1, groups: 2 }],
];

test.skipIf(noGpu !== undefined)("the device makes the same of every third, and of channels in fours", async () => {
  // Second derivatives would multiply with a matrix that is no weight. A software adapter takes far longer to compile kernels than to run them.
  const { graph } = together([...cases.filter(([op], i) => i % 3 === 1 && op !== "convWeightGradient"), ...deep, ...fours]);
  const run = randomRun(graph, 11);
  const gradients = gradientsOf(graph, run);
  const frame = compileFile("golden/cases/blocks.mv", { preset: "Small" });
  const alone = { ...frame, graphs: new Map([[graph.name, graph]]), sampler: null };
  const folder = writePackage(alone, (path) => run.weights.get(path)?.data as Float32Array, undefined, {
    onnx: false,
    plans: plansOf(alone),
  });
  const runner = await openRunnerOnShared(folder);
  try {
    const feeds = [...run.inputs].map(([name, { shape, data }]) => [name, { dtype: "f32", shape, data: data as Float32Array }] as const);
    const found = await runner.run(graph.name, Object.fromEntries(feeds) as Record<string, TensorData>);
    for (const [name, expected] of gradients) {
      const tensor = found[name] as TensorData;
      expect(relativeError({ shape: tensor.shape, data: floatsOf(tensor) }, expected), name).toBeLessThan(tolerance);
    }
  } finally {
    await runner.dispose();
    rmSync(folder, { recursive: true });
  }
});

test("the cases reach every op", () => {
  expect(new Set(cases.map(([op]) => op))).toEqual(new Set(Object.keys(windowGradients)));
  expect(cases.every(([, shape]) => sizeOf(shape) <= 300)).toBe(true);
});
