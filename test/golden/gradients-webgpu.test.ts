// The gradients of blocks and of what is laid out as theirs on the device, weights that are packed for products read as they are beside that, against the interpreter.

import { describe, test } from "vitest";
import { differentiate } from "../../compiler/differentiate/differentiate.ts";
import type { Graph, Origin } from "../../compiler/graph/graph.ts";
import { runPasses } from "../../compiler/passes/passes.ts";
import { GraphBuilder } from "../../compiler/rewriting/builder.ts";
import { meanSquare, weightPaths } from "../compiler/differentiate/central.ts";
import { compileText } from "../compiler/targets/webgpu/joined.ts";
import { noGpu } from "../gpu.ts";
import { agree } from "./beside-interpreter.ts";
import { compileFile } from "./cases.ts";

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  test.each(["attentionCross", "resBlock"])("%s", async (name) => {
    const loss = meanSquare(compileFile("golden/cases/blocks.mv", { preset: "Small" }).graphs.get(name) as Graph);
    // Rounding of f32 through a block and back: some 1e-5; erf and norms on the device add as much.
    await agree(runPasses(differentiate(loss, weightPaths(loss))), 1e-4);
  });

  test("convolutions of one place each, eight filters a thread", async () => {
    const model = `
model M {
  graph run(x: Tensor<float, [2, 4, 3, 5]>): Tensor<float, [2, 16, 3, 5]> {
    return x |> conv2d(8, kernel: 3) as first |> conv2d(16, kernel: 1) as second;
  }
}`;
    const loss = meanSquare(compileText(model).graphs.get("run") as Graph);
    // Sums of some hundred products of f32.
    await agree(runPasses(differentiate(loss, weightPaths(loss))), 1e-5);
  });

  test("products whose first operand was heads, and whose first is transposed", async () => {
    const builder = new GraphBuilder();
    const input = (name: string, ...shape: readonly number[]) => builder.input(name, { dtype: "f32", shape }, shape.map(String));
    const origin: Origin = { path: "", span: { file: "products", start: 0, end: 0 }, expandedFrom: [] };
    const heads = builder.op("transpose", [input("heads", 2, 2, 6, 8)], { permutation: [0, 2, 1, 3] }, origin);
    const rows = builder.op("reshape", [heads], { shape: [12, 16] }, origin);
    const inner = builder.op("matmul", [rows, input("weight", 16, 16)], {}, origin);
    const turned = builder.op("transpose", [rows], { permutation: [1, 0] }, origin);
    const outer = builder.op("matmul", [turned, input("gradient", 12, 16)], {}, origin);
    const outputs = [inner, outer].map((value, i) => ({ name: `y${i}`, value, axes: builder.typeOf(value).shape.map(String) }));
    // Sums of sixteen products of f32.
    await agree(builder.finish("products", outputs), 1e-5);
  });
});
