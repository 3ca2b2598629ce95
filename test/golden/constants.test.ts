// Constants written in a source, with whole numbers computed on every target, beside what comes of them by hand.

import { describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { onnxPasses, passes, runPasses } from "../../compiler/passes/passes.ts";
import { outputsByOnnx } from "../compiler/ops/one-op.ts";
import { compileText } from "../compiler/targets/webgpu/joined.ts";
import { noGpu } from "../gpu.ts";
import { both } from "./beside-interpreter.ts";

const source = `dim F = 70;
type Row = Tensor<float, [F]>;
model M {
  graph run(x: Row): { apart: Tensor<i32, [F, F]>, far: Tensor<i32, [_]>, joined: Tensor<i32, [_]>, places: Row } {
    const apart = view(range(F), [F, 1]) - view(range(F), [1, F]) + (F - 1);
    const far = range(5000) * 100003 - 7;
    const joined = concat([range(30), far, tensor([2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, -65537])], axis: 0);
    return { apart: apart, far: far, joined: joined, places: x * 0 + float(range(F)) / 4 };
  }
}`;
/** By hand, each as the source says it in words. */
const far = Array.from({ length: 5000 }, (_, i) => i * 100003 - 7);
const expected = {
  apart: Array.from({ length: 70 * 70 }, (_, i) => Math.floor(i / 70) - (i % 70) + 69),
  far,
  joined: [...Array.from({ length: 30 }, (_, i) => i), ...far, 2147483647, -2147483648, 16777217, -65537],
  places: Array.from({ length: 70 }, (_, i) => i / 4),
};
const graph = compileText(source).graphs.get("run") as Graph;
const x = { shape: [70], data: new Float32Array(70) };

test("the interpreter", () => {
  const found = interpret(graph, new Map([["x", x]]), () => x);
  expect(Object.fromEntries([...found].map(([name, { data }]) => [name, [...data]]))).toEqual(expected);
});

test("ONNX Runtime", async () => {
  const found = await outputsByOnnx(runPasses(graph, [...passes, ...onnxPasses]), { inputs: new Map([["x", x]]), weights: new Map() });
  expect(Object.fromEntries([...found].map(([name, { data }]) => [name, [...data]]))).toEqual(expected);
});

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  test("whole numbers stay whole, beyond what f32 holds too", async () => {
    const found = await both(graph);
    expect(Object.fromEntries(found.map(({ name, found: numbers }) => [name, [...numbers]]))).toEqual(expected);
  });
});
