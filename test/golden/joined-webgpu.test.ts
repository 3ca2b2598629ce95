// What is joined, cut or made in memory because of a limit, on the device against the interpreter.

import { describe, test } from "vitest";
import type { Graph, Origin } from "../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../compiler/rewriting/builder.ts";
import { defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { compileText, joinedModels } from "../compiler/targets/webgpu/joined.ts";
import { noGpu } from "../gpu.ts";
import { agree, tolerances } from "./beside-interpreter.ts";

const origin: Origin = { path: "", span: { file: "joined", start: 0, end: 0 }, expandedFrom: [] };

/** More workgroups than a dimension takes, of kernels that count them by every name that they have: a batch of products, and pictures whose groups are summed up. */
function longGrids(): Graph {
  const builder = new GraphBuilder();
  const input = (name: string, shape: readonly number[]) => builder.input(name, { dtype: "f32", shape }, shape.map(String));
  const products = builder.op("matmul", [input("a", [66_000, 1, 3]), input("b", [66_000, 3, 4])], {}, origin);
  const weights = ["scale", "shift"].map((name) => builder.weight(`norm.${name}`, { dtype: "f32", shape: [4] }, { kind: "ones" }));
  const norm = builder.op("groupNorm", [input("x", [66_000, 4, 1, 2]), ...weights], { groups: 1, eps: 1e-5, init: "default" }, origin);
  const outputs = [products, norm].map((value, i) => ({ name: `y${i}`, value, axes: builder.typeOf(value).shape.map(String) }));
  return builder.finish("long", outputs);
}

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  describe.each(["f32", "f16"] as const)("%s", (precision) => {
    test.each(Object.entries(joinedModels))("%s", (_, source) => {
      const graph = compileText(source, precision).graphs.get("run") as Graph;
      return agree(graph, tolerances[precision]);
    });
    test.each(Object.entries(joinedModels))("%s, where kernels take four bindings", (_, source) => {
      const graph = compileText(source, precision).graphs.get("run") as Graph;
      return agree(graph, tolerances[precision], {}, { ...defaultLimits, maxStorageBuffersPerShaderStage: 4 });
    });
  });
  test("few long rows", () => {
    const builder = new GraphBuilder();
    const input = (name: string, shape: readonly number[]) => builder.input(name, { dtype: "f32", shape }, shape.map(String));
    const [long, deep] = [input("long", [3, 1000]), input("deep", [2, 700, 20])];
    const values = [
      builder.op("mean", [long], { axis: 1 }, origin),
      builder.op("max", [long], { axis: 1 }, origin),
      builder.op("sum", [deep], { axis: 1 }, origin),
    ];
    const outputs = values.map((value, i) => ({ name: `y${i}`, value, axes: builder.typeOf(value).shape.map(String) }));
    return agree(builder.finish("rows", outputs), tolerances.f32);
  });
  test("grids longer than a dimension", () => agree(longGrids(), tolerances.f32));
});
