// What the step-invariant split prepares, what it leaves to a step, and what it calls the values between.

import { expect, test } from "vitest";
import type { Origin, ValueId } from "../../../compiler/graph/graph.ts";
import { printGraph } from "../../../compiler/graph/print.ts";
import { splitInvariant } from "../../../compiler/passes/split-invariant.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";

const origin = (path: string): Origin => ({ path, span: { file: "test.mv", start: 0, end: 1 }, expandedFrom: [] });
const names = { prepare: "prepare", step: "step" };

class Toy extends GraphBuilder {
  value(name: string): ValueId {
    return this.input(name, { dtype: "f32", shape: [2, 4] }, ["N", "C"]);
  }
  linear(x: ValueId, path: string): ValueId {
    const weight = this.weight(`${path}.weight`, { dtype: "f32", shape: [4, 4] }, { kind: "zeros" });
    return this.op("linear", [x, weight], { out: 4, bias: false, init: "default" }, origin(path));
  }
  apply(op: "add" | "silu", inputs: readonly ValueId[]): ValueId {
    return this.op(op, inputs, {}, origin(""));
  }
}

function split(toy: Toy, outputs: readonly ValueId[], varying: readonly string[]) {
  const graph = toy.finish(
    "denoise",
    outputs.map((value, i) => ({ name: i === 0 ? "denoise" : `more${i}`, value, axes: ["N", "C"] })),
  );
  const parts = splitInvariant(graph, varying, names);
  return parts.prepare === undefined ? undefined : `${printGraph(parts.prepare)}${printGraph(parts.step)}`;
}

test("what only the text changes is prepared, by the path of what made it; what varies stays a step's though nothing reads it", () => {
  const toy = new Toy();
  const [z, text] = [toy.value("z"), toy.value("text")];
  toy.value("t");
  const key = toy.apply("silu", [toy.linear(text, "key")]);
  expect(split(toy, [toy.apply("add", [toy.apply("add", [toy.linear(z, "query"), key]), text])], ["z", "t"])).toMatchInlineSnapshot(`
    "graph prepare {
      $text = input [N, C] : f32[2,4]
      @key.weight = weight zeros : f32[4,4]
      %0 = linear($text, @key.weight) {out: 4, bias: false, init: "default"} : f32[2,4]  # key
      %1 = silu(%0) : f32[2,4]
      return key = %1
    }
    graph step {
      $z = input [N, C] : f32[2,4]
      $text = input [N, C] : f32[2,4]
      $t = input [N, C] : f32[2,4]
      $key = input [2, 4] : f32[2,4]
      @query.weight = weight zeros : f32[4,4]
      %0 = linear($z, @query.weight) {out: 4, bias: false, init: "default"} : f32[2,4]  # query
      %1 = add(%0, $key) : f32[2,4]
      %2 = add(%1, $text) : f32[2,4]
      return denoise = %2
    }
    "
  `);
});

test("a value to prepare that is labelled as the graph is called gets another name", () => {
  const toy = new Toy();
  const [z, text] = [toy.value("z"), toy.value("text")];
  expect(split(toy, [toy.apply("add", [z, toy.linear(text, "denoise")])], ["z"])).toMatchInlineSnapshot(`
    "graph prepare {
      $text = input [N, C] : f32[2,4]
      @denoise.weight = weight zeros : f32[4,4]
      %0 = linear($text, @denoise.weight) {out: 4, bias: false, init: "default"} : f32[2,4]  # denoise
      return denoise.2 = %0
    }
    graph step {
      $z = input [N, C] : f32[2,4]
      $denoise.2 = input [2, 4] : f32[2,4]
      %0 = add($z, $denoise.2) : f32[2,4]
      return denoise = %0
    }
    "
  `);
});

test("an output that is an input stays", () => {
  const toy = new Toy();
  const [z, text] = [toy.value("z"), toy.value("text")];
  expect(split(toy, [toy.apply("add", [z, toy.apply("silu", [text])]), text], ["z"])).toMatchInlineSnapshot(`
    "graph prepare {
      $text = input [N, C] : f32[2,4]
      %0 = silu($text) : f32[2,4]
      return text.2 = %0
    }
    graph step {
      $z = input [N, C] : f32[2,4]
      $text = input [N, C] : f32[2,4]
      $text.2 = input [2, 4] : f32[2,4]
      %0 = add($z, $text.2) : f32[2,4]
      return denoise = %0
      return more1 = $text
    }
    "
  `);
});

test("nothing is prepared where what varies reads inputs and what is made of weights alone", () => {
  const toy = new Toy();
  const [z, text] = [toy.value("z"), toy.value("text")];
  const weight = toy.weight("shift", { dtype: "f32", shape: [2, 4] }, { kind: "zeros" });
  expect(split(toy, [toy.apply("add", [toy.apply("add", [z, text]), toy.apply("silu", [weight])])], ["z"])).toBeUndefined();
});
