// What `verify` must catch: each breach of a graph's laws that a pass could make, and what it lets through.

import { expect, test } from "vitest";
import type { Graph, OpValue, Origin, Value } from "../../../compiler/graph/graph.ts";
import { printGraph } from "../../../compiler/graph/print.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { parseGraph, serialiseGraph } from "../../../compiler/rewriting/serialise.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";

const origin: Origin = { path: "layer", span: { file: "test.mv", start: 3, end: 9 }, expandedFrom: [] };

/** y = silu(x W + b) + x, with W 4 × 4. */
function sound(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input("x", { dtype: "f32", shape: [2, 4] }, ["N", "C"]);
  const weight = builder.weight("layer.weight", { dtype: "f32", shape: [4, 4] }, { kind: "uniform", bound: 0.5 });
  const bias = builder.weight("layer.bias", { dtype: "f32", shape: [4] }, { kind: "zeros" });
  const h = builder.op("linear", [x, weight, bias], { out: 4, bias: true, init: "default" }, origin);
  const y = builder.op("add", [builder.op("silu", [h], {}, origin), x], {}, origin);
  return builder.finish("toy", [{ name: "y", value: y, axes: ["N", "C"] }]);
}

function changed(change: (values: Value[]) => Value[]): Graph {
  const graph = sound();
  return { ...graph, values: change([...graph.values]) };
}

const breaks = (graph: Graph) => () => verify(graph, "pass test");

test("a sound graph passes, and its text is stable", () => {
  expect(printGraph(verify(sound(), "test"))).toMatchInlineSnapshot(`
    "graph toy {
      $x = input [N, C] : f32[2,4]
      @layer.weight = weight uniform : f32[4,4]
      @layer.bias = weight zeros : f32[4]
      %0 = linear($x, @layer.weight, @layer.bias) {out: 4, bias: true, init: "default"} : f32[2,4]  # layer
      %1 = silu(%0) : f32[2,4]  # layer
      %2 = add(%1, $x) : f32[2,4]  # layer
      return y = %2
    }
    "
  `);
});

test("ids do not show in the text", () => {
  const graph = sound();
  const moved = (id: number) => 100 - id;
  const values = graph.values.map((value) =>
    value.kind === "op" ? { ...value, id: moved(value.id), inputs: value.inputs.map(moved) } : { ...value, id: moved(value.id) },
  );
  const outputs = graph.outputs.map((output) => ({ ...output, value: moved(output.value) }));
  expect(printGraph({ ...graph, values, outputs })).toBe(printGraph(graph));
});

test("JSON keeps the graph, with paths and places", () => {
  const back = parseGraph(serialiseGraph(sound()));
  expect(printGraph(back)).toBe(printGraph(sound()));
  expect(back.values.filter((value) => value.kind === "op")[0]?.origin).toEqual(origin);
});

test("a value read before it is made", () => {
  expect(breaks(changed((values) => values.reverse()))).toThrow("pass test broke graph toy: %5 reads %4 before it is made");
});

test("a wrong type", () => {
  const wrong = changed((values) =>
    values.map((value) => (value.kind === "op" && value.op === "silu" ? { ...value, type: { dtype: "f32", shape: [2, 5] } } : value)),
  );
  expect(breaks(wrong)).toThrow("silu %4 is typed f32[2,5], but its inputs make f32[2,4]");
});

test("an id, a weight or an input twice", () => {
  expect(breaks(changed((values) => [...values, values.at(-1) as Value]))).toThrow("%5 is defined twice");
  const twice = (kind: "weight" | "input") =>
    changed((values) => [...values, { ...(values.find((value) => value.kind === kind) as Value), id: 99 }]);
  expect(breaks(twice("weight"))).toThrow("weight layer.weight is there twice");
  expect(breaks(twice("input"))).toThrow("input x is there twice");
});

test("an output that is not there, a constant of another length, an op that no shape rule takes", () => {
  const graph = sound();
  expect(breaks({ ...graph, outputs: [{ name: "y", value: 77, axes: [] }] })).toThrow("output y is %77, which is not there");
  const short: Value = { kind: "constant", id: 98, type: { dtype: "f32", shape: [3] }, data: [1, 2] };
  expect(breaks(changed((values) => [...values, short]))).toThrow("constant %98 has 2 elements");
  const bad: OpValue = { kind: "op", id: 97, type: { dtype: "f32", shape: [2, 4] }, op: "add", inputs: [0, 1], attributes: {}, origin };
  expect(breaks(changed((values) => [...values, bad]))).toThrow("op add");
});
