// What the pass itself does, whatever the ops: sums over readers, what it prunes, what it refuses. By hand.

import { describe, expect, it } from "vitest";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { differentiate, gradientName } from "../../../compiler/differentiate/differentiate.ts";
import type { Graph, TensorType, ValueId } from "../../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";

const origin = { path: "op", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };
const f32 = (...shape: readonly number[]): TensorType => ({ dtype: "f32", shape });

/** The loss of two weights: (a + b) a summed, and beside it a third that nothing reads. */
function graphOf(make: (builder: GraphBuilder, weights: Record<"a" | "b" | "unread", ValueId>) => ValueId): Graph {
  const builder = new GraphBuilder();
  const weight = (path: string) => builder.weight(path, f32(2), { kind: "zeros" }, ["n"]);
  const value = make(builder, { a: weight("a"), b: weight("b"), unread: weight("unread") });
  return builder.finish("loss", [{ name: "loss", value, axes: ["1"] }]);
}

function gradients(graph: Graph, paths: readonly string[]): readonly (readonly number[])[] {
  const made = verify(differentiate(graph, paths), "differentiate");
  const numbers = new Map([
    ["a", [2, 3]],
    ["b", [5, 7]],
    ["unread", [0, 0]],
  ]);
  const outputs = interpret(made, new Map(), (path) => ({ shape: [2], data: Float32Array.from(numbers.get(path) ?? []) }));
  return paths.map((path) => [...(outputs.get(gradientName(path))?.data ?? [])]);
}

const graph = graphOf((builder, { a, b }) => {
  const both = builder.op("add", [a, b], {}, origin);
  return builder.op("sum", [builder.op("mul", [both, a], {}, origin)], { axis: 0 }, origin);
});

describe("the pass", () => {
  it("adds up what each reader of a value has to say of it", () => {
    // Of (a + b) a: 2 a + b, and a.
    expect(gradients(graph, ["a", "b"])).toEqual([
      [9, 13],
      [2, 3],
    ]);
    expect(gradients(graph, ["b", "a"])).toEqual([
      [2, 3],
      [9, 13],
    ]);
  });

  it("keeps the outputs that were there, and names the gradients by path and axes", () => {
    expect(differentiate(graph, ["b"]).outputs.map(({ name, axes }) => [name, axes])).toEqual([
      ["loss", ["1"]],
      ["gradient of b", ["n"]],
    ]);
  });

  it("computes nothing for what is not trained", () => {
    const added = (paths: readonly string[]) => differentiate(graph, paths).values.length - graph.values.length;
    // Of b: the seed, its stretch, and times a.
    expect([added([]), added(["b"])]).toEqual([1, 3]);
  });

  it("goes through no whole numbers", () => {
    const looked = graphOf((builder, { a, b }) => {
      const ids = builder.op("cast", [a], { to: "i32" }, origin);
      const table = builder.op("concat", [b, b], { axis: 0 }, origin);
      return builder.op("sum", [builder.op("gather", [table, ids], { axis: 0 }, origin)], { axis: 0 }, origin);
    });
    // Elements 2 and 3 of b b: each of b once.
    expect(gradients(looked, ["b"])).toEqual([[1, 1]]);
    expect(() => differentiate(looked, ["a"])).toThrow("differentiate loss: the loss does not depend on weight a");
  });

  it("refuses what its callers have checked", () => {
    expect(() => differentiate(graph, ["c"])).toThrow("differentiate loss: there is no weight c");
    expect(() => differentiate(graph, ["a", "a"])).toThrow("differentiate loss: a weight is asked for twice");
    expect(() => differentiate(graph, ["unread"])).toThrow("differentiate loss: the loss does not depend on weight unread");
    expect(() => differentiate({ ...graph, outputs: [] }, ["a"])).toThrow("differentiate loss: it has no output");
    const wide = graphOf((_, { a }) => a);
    expect(() => differentiate(wide, ["a"])).toThrow("differentiate loss: the loss loss should be f32 [1], but it is f32 [2]");
  });
});
