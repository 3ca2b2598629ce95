// The memory that a graph's values take at most, by hand: what lives from where it is made to its last reader.

import { expect, test } from "vitest";
import { costOf } from "../../../compiler/analysis/cost.ts";
import type { Origin, ValueId } from "../../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";

const origin: Origin = { path: "", span: { file: "test.mv", start: 0, end: 1 }, expandedFrom: [] };

class Toy extends GraphBuilder {
  /** 4 numbers of 4 bytes, as all values here. */
  value(name: string): ValueId {
    return this.input(name, { dtype: "f32", shape: [4] }, ["N"]);
  }
  silu(x: ValueId): ValueId {
    return this.op("silu", [x], {}, origin);
  }
  add(x: ValueId, y: ValueId): ValueId {
    return this.op("add", [x, y], {}, origin);
  }
  peak(...outputs: readonly ValueId[]): number {
    const graph = this.finish(
      "toy",
      outputs.map((value, i) => ({ name: `y${i}`, value, axes: ["N"] })),
    );
    return costOf(graph, 1).activationBytes;
  }
}

test("in a chain a value and the one before it are alive", () => {
  const toy = new Toy();
  expect(toy.peak(toy.silu(toy.silu(toy.silu(toy.value("x")))))).toBe(2 * 16);
});

test("a value that is read late is alive till then, and an output to the end", () => {
  const late = new Toy();
  const x = late.value("x");
  expect(late.peak(late.add(late.silu(late.silu(x)), x))).toBe(3 * 16);
  const outputs = new Toy();
  const first = outputs.silu(outputs.value("x"));
  expect(outputs.peak(outputs.silu(outputs.silu(first)), first)).toBe(3 * 16);
});

test("what nothing reads is there while it is made, weights and constants are not counted", () => {
  const toy = new Toy();
  const weight = toy.weight("w", { dtype: "f32", shape: [4] }, { kind: "zeros" });
  const constant = toy.constant({ dtype: "f32", shape: [4] }, [1, 2, 3, 4]);
  const x = toy.value("x");
  toy.silu(x);
  toy.silu(x);
  expect(toy.peak(toy.add(toy.add(x, weight), constant))).toBe(2 * 16);
});

test("blocks of one name in two files, the one within the other, count once in their row", () => {
  const toy = new Toy();
  const call = (block: string) => ({ block, span: origin.span });
  const inside: Origin = { ...origin, path: "a", expandedFrom: [call("Mix"), call("Mix"), call("Outer")] };
  const [x, weight] = [
    toy.input("x", { dtype: "f32", shape: [2, 3] }, ["N", "C"]),
    toy.weight("a.weight", { dtype: "f32", shape: [5, 3] }, { kind: "zeros" }),
  ];
  const y = toy.op("linear", [x, weight], { out: 5, bias: false, init: "default" }, inside);
  const { by } = costOf(toy.finish("toy", [{ name: "y", value: y, axes: ["N", "5"] }]), 1);
  const cost = { parameters: 15, tensors: 1, flops: 2 * 2 * 3 * 5 };
  expect(by.block).toEqual([
    { name: "Outer", ...cost },
    { name: "Mix", ...cost },
  ]);
});
