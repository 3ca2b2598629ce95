// A backward pass that computes parts of the forward pass again: the same numbers, in less memory.

import { describe, expect, it, test } from "vitest";
import { costOf, peakBytes } from "../../../compiler/analysis/cost.ts";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { differentiate } from "../../../compiler/differentiate/differentiate.ts";
import { callsAt, cheapOps, recompute, recomputeBlocks } from "../../../compiler/differentiate/recompute.ts";
import type { Graph, OpValue } from "../../../compiler/graph/graph.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { onnxPasses, runPasses } from "../../../compiler/passes/passes.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";
import { compileFile } from "../../golden/cases.ts";
import { outputsByOnnx, randomRun } from "../ops/one-op.ts";
import { meanSquare, weightPaths } from "./central.ts";

describe("a block of MagicVideo", () => {
  const loss = meanSquare(compileFile("golden/cases/blocks.mv", { preset: "Small" }).graphs.get("spaceTime") as Graph);
  const plain = differentiate(loss, weightPaths(loss));
  const made = recompute(plain, callsAt(2));
  const run = randomRun(plain, 5);
  const numbers = (graph: Graph) => interpret(graph, run.inputs, (path) => run.weights.get(path) ?? expect.unreachable());
  /** Elementwise comparison of so many numbers is slow in a matcher. */
  const bitsOf = (outputs: ReadonlyMap<string, Tensor>) =>
    new Map([...outputs].map(([name, { data }]) => [name, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")]));

  it("has the same gradients to the last bit, by the interpreter", () => {
    const expected = bitsOf(numbers(plain));
    for (const graph of [made, recompute(plain, cheapOps)]) expect(bitsOf(numbers(verify(graph, "recompute")))).toEqual(expected);
  });

  it("has them on ONNX Runtime, after passes that merge nothing with what it is made of again", async () => {
    const [before, after] = [plain, made].map((graph) => runPasses(runPasses(graph), onnxPasses)) as [Graph, Graph];
    const products = (graph: Graph) =>
      graph.values.filter((value) => value.kind === "op" && ["linear", "matmul", "conv2d"].includes(value.op)).length;
    expect(products(made) - products(plain)).toBeGreaterThan(10);
    expect(products(after) - products(before)).toBe(products(made) - products(plain));
    expect(bitsOf(await outputsByOnnx(after, run))).toEqual(bitsOf(await outputsByOnnx(before, run)));
  });
});

test("of a U-Net blocks take a third of the memory, for no more than a second forward pass", () => {
  const settings = { B: 32 };
  const loss = compileFile("golden/gradients/magicvideo.mv", { preset: "Small", settings }).graphs.get("loss") as Graph;
  const plain = differentiate(loss, weightPaths(loss));
  const made = recomputeBlocks(plain);
  expect(peakBytes(made) / peakBytes(plain)).toBeLessThan(1 / 3);
  const [forward, step, again] = [loss, plain, made].map((one) => costOf(one, 1).flops) as [number, number, number];
  // A product's gradients are two products.
  expect(step / forward).toBeCloseTo(3, 1);
  expect(again - step).toBeGreaterThan(0.8 * forward);
  expect(again - step).toBeLessThanOrEqual(forward);
});

/** Three blocks of a product and a sigmoid each, one after another. */
test("what is kept and what is made again, by hand", () => {
  const builder = new GraphBuilder();
  const span = (start: number) => ({ file: "test.mv", start, end: start });
  let x = builder.input("x", { dtype: "f32", shape: [4] }, ["4"]);
  for (const i of [0, 1, 2]) {
    const origin = { path: `b${i}`, span: span(9), expandedFrom: [{ block: "Block", span: span(i) }] };
    const weight = builder.weight(`w${i}`, { dtype: "f32", shape: [4] }, { kind: "ones" });
    const product = builder.op("mul", [x, weight], {}, origin);
    x = builder.op("mul", [builder.op("sigmoid", [product], {}, origin), product], {}, origin);
  }
  const origin = { path: "", span: span(9), expandedFrom: [] };
  const sum = builder.op("sum", [x], { axis: 0 }, origin);
  const graph = differentiate(builder.finish("loss", [{ name: "loss", value: sum, axes: ["1"] }]), ["w0", "w1", "w2"]);
  const made = recompute(graph, callsAt(1));
  const count = (one: Graph, op: OpValue["op"], path: string) =>
    one.values.filter((value) => value.kind === "op" && value.op === op && value.origin.path === path).length;
  // The last block is kept; of the first two the sigmoid is made again, from a product that is made again.
  expect(["b0", "b1", "b2"].map((path) => count(made, "sigmoid", path) - count(graph, "sigmoid", path))).toEqual([1, 1, 0]);
  expect(["b0", "b1", "b2"].map((path) => count(made, "mul", path) - count(graph, "mul", path))).toEqual([1, 1, 0]);
  // The first reads the graph's own input, the second the first's result.
  expect(["b0", "b1", "b2"].map((path) => count(made, "after", path))).toEqual([1, 1, 0]);
});
