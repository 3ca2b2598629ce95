// The gradient of every op of the table with respect to all that it reads, against central differences in f64.

import { describe, expect, it, test } from "vitest";
import { differentiate } from "../../../compiler/differentiate/differentiate.ts";
import { type Attributes, sizeOf, type TensorType } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { opTable } from "../../../compiler/ops/table.ts";
import { cases as onnxCases } from "../targets/onnx/op-cases.ts";
import { centralDifferences, error, gradientsAt, lossOf, randomPoint, weightPaths } from "./central.ts";

type Case = readonly [op: OpName, inputs: readonly TensorType[], attributes?: Attributes | undefined];

const f32 = (...shape: readonly number[]): TensorType => ({ dtype: "f32", shape });
const i32 = (...shape: readonly number[]): TensorType => ({ dtype: "i32", shape });

/** Ids are below 3 and so repeat. */
const cases: readonly Case[] = [
  // Those of the tests of ONNX that are small enough to be gone through element by element.
  ...onnxCases
    .filter(([op, shapes]) => op !== "step" && op !== "after" && shapes.reduce((sum, shape) => sum + sizeOf(shape), 0) <= 200)
    .map(([op, shapes, attributes]): Case => [op, shapes.map((shape) => f32(...shape)), attributes]),
  ["add", [f32(2, 1, 3), f32(1, 4, 3)]],
  ["sub", [f32(1, 3), f32(2, 1)]],
  ["mul", [f32(2, 1, 3), f32(2, 4, 1)]],
  ["div", [f32(4, 1), f32(4, 3)]],
  ["div", [f32(2, 3), f32(1, 1)]],
  ["sqrt", [f32(7)]],
  ["log", [f32(7)]],
  ["matmul", [f32(2, 3, 4), f32(2, 4, 5)]],
  ["embedding", [i32(2, 5)], { vocabulary: 4, width: 3 }],
  ["gather", [f32(4, 3), i32(2, 3)], { axis: 0 }],
  ["gather", [f32(2, 3, 2), i32(5)], { axis: 1 }],
  ["gather", [f32(2, 4), i32()], { axis: 1 }],
  ["scatterAdd", [f32(2, 3, 2), i32(2, 3)], { axis: 0, size: 4 }],
  ["scatterAdd", [f32(2, 5), i32(5)], { axis: 1, size: 3 }],
  // A gate has no gradient, as a step has none.
  ["after", [f32(2, 3), i32(4)]],
  ["sinusoid", [f32(3)], { width: 6 }],
  ["sinusoid", [f32(3)], { width: 6, order: "sin-cos", shift: 1, maxPeriod: 50, scale: 2 }],
  ["rotary", [f32(2, 3, 6), i32(1, 3)], { pairs: "halves" }],
  ["max", [f32(2, 3, 4)], { axis: 1 }],
  ["sum", [f32(2, 3, 4)], { axis: 0 }],
  ["softmax", [f32(2, 3, 4)], { axis: 1 }],
  ["maskedSoftmax", [f32(2, 4, 4)]],
  ["maskedSoftmax", [f32(3, 5)]],
  ["attend", [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 4), f32(2, 1, 1, 5)], { heads: 2 }],
  ["attend", [f32(1, 4, 6), f32(1, 4, 6), f32(1, 4, 6), f32(1, 3, 4, 4)], { heads: 3, causal: true }],
  ["upsample", [f32(3, 2, 3)], { factor: 3 }],
  ["upsample", [f32(2, 3)], { factor: 1 }],
  ["pad", [f32(2, 3)], { axis: 1, before: 0, after: 0 }],
  ["cast", [f32(5)], { to: "f32" }],
  ["cast", [f32(5)], { to: "f16" }],
  ["conv3d", [f32(1, 2, 3, 3, 2)], { out: 2, kernel: [2, 1, 2], stride: [1, 2, 1], padding: ["causal", "none", "same"] }],
  ["averagePool3d", [f32(2, 3, 4, 3)], { kernel: [1, 2, 2], stride: [2, 1, 1] }],
  ["layerNorm", [f32(2, 3, 5)]],
  ["layerNorm", [f32(3, 5)], { affine: false }],
  ["rmsNorm", [f32(2, 5)], { eps: 0.5 }],
  ["rmsNorm", [f32(2, 1, 5)], { affine: false }],
  ["groupNorm", [f32(2, 2, 6, 1, 2)], { groups: 3 }],
  ["groupNorm", [f32(4, 3, 1)], { groups: 1, eps: 0.5 }],
  [
    "convWeightGradient",
    [f32(2, 2, 5, 4), f32(2, 3, 3, 2)],
    { kernel: [3, 2], stride: [2, 1], dilation: [1, 2], before: [1, 0], groups: 1 },
  ],
  ["convWeightGradient", [f32(1, 4, 7), f32(1, 2, 4)], { kernel: [3], stride: [2], dilation: [1], before: [1], groups: 2 }],
  [
    "convWeightGradient",
    [f32(1, 2, 3, 2, 3), f32(1, 1, 3, 2, 2)],
    { kernel: [2, 1, 1], stride: [1, 1, 2], dilation: [2, 1, 1], before: [2, 0, 0], groups: 1 },
  ],
];

/** Roots, logarithms and divisors stay away from zero. */
const positive = (x: number) => Math.abs(x) + 0.5;

describe("within central differences", () => {
  it.each(cases.map((row, i) => [i, ...row] as const))("%i: %s of %j %j", (_, op, inputs, attributes) => {
    const graph = lossOf(op, inputs, attributes);
    const point = randomPoint(graph, 11, ["sqrt", "log", "div"].includes(op) ? positive : undefined);
    const paths = weightPaths(graph);
    const found = gradientsAt(graph, paths, point);
    // The differences themselves are good to about 1e-9.
    for (const path of paths)
      expect([path, error(found.get(path) ?? [], centralDifferences(graph, path, point))]).toEqual([path, expect.closeTo(0, 6)]);
  });

  it("of a step is none", () => {
    expect(() => differentiate(lossOf("step", [f32(3)]), ["x0"])).toThrow("the loss does not depend on weight x0");
  });

  test("the cases reach every op", () => {
    const tested = new Set([...cases.map(([op]) => op), "step"]);
    expect(Object.keys(opTable).filter((op) => !tested.has(op))).toEqual([]);
  });
});

/** A gradient of one op at a point with a kink or a tie, where differences tell nothing: as PyTorch has it. */
describe("where a slope is a choice", () => {
  const gradientAt = (op: OpName, attributes: Attributes, x: readonly number[]) => {
    const graph = lossOf(op, [f32(x.length)], attributes);
    const point = { inputs: new Map(), weights: new Map([["x0", { shape: [x.length], data: Float64Array.from(x) }]]) };
    const slopes = gradientsAt(graph, ["x0"], point).get("x0") ?? [];
    const factors = gradientsAt(lossOf("cast", [f32(x.length)], { to: "f32" }), ["x0"], point).get("x0") ?? [];
    return { slopes: Array.from(slopes), factors: Array.from(factors) };
  };

  it("relu and abs have none at 0", () => {
    for (const [op, low] of [
      ["relu", 0],
      ["abs", -1],
    ] as const) {
      const { slopes, factors } = gradientAt(op, {}, [-2, 0, -0, 3]);
      expect(slopes.map((slope, i) => slope / (factors[i] as number) + 0)).toEqual([low, 0, 0, 1]);
    }
  });

  it("the largest share theirs evenly", () => {
    const { slopes, factors } = gradientAt("max", { axis: 0 }, [1, 4, 2, 4, 4]);
    expect(slopes.map((slope) => slope / (factors[0] as number))).toEqual([0, 1 / 3, 0, 1 / 3, 1 / 3]);
  });
});
