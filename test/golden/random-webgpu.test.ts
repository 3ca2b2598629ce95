// Every op of the table on the device, at random legal shapes and attributes, alone and in random company, against its reference.

import { describe, expect, test } from "vitest";
import type { Origin } from "../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../compiler/rewriting/builder.ts";
import { opNames, randomCalls, randomGraph } from "../compiler/random-graph.ts";
import { noGpu } from "../gpu.ts";
import { agree, both, tolerances } from "./beside-interpreter.ts";

const origin: Origin = { path: "op", span: { file: "test", start: 0, end: 0 }, expandedFrom: [] };

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  describe.each(["f32", "f16"] as const)("%s", (dtype) => {
    test.each(opNames)("%s", (op) => agree(randomCalls(op, 1, dtype, 6), tolerances[dtype]));
    test.each(Array.from({ length: 24 }, (_, seed) => seed))("ops in random company, seed %d", (seed) =>
      agree(randomGraph(seed, dtype, 10), tolerances[dtype]),
    );
  });

  test("waves keep their digits over thousands of turns", async () => {
    const builder = new GraphBuilder();
    const type = { dtype: "f32", shape: [3, 1000] } as const;
    const few = builder.input("x", type, ["3", "1000"]);
    const many = builder.op("mul", [few, builder.constant({ dtype: "f32", shape: [1, 1] }, [8000])], {}, origin);
    const outputs = (["sin", "cos"] as const).map((op) => ({ name: op, value: builder.op(op, [many], {}, origin), axes: ["3", "1000"] }));
    // What the row's doc promises.
    await agree(builder.finish("waves", outputs), 1e-6);
  });

  test("the root of a negative number is 0, of a constant too", async () => {
    const builder = new GraphBuilder();
    const minus = builder.constant({ dtype: "f32", shape: [1, 1] }, [-4]);
    const squares = builder.input("x", { dtype: "f32", shape: [3, 8] }, ["3", "8"]);
    const negative = builder.op("sub", [minus, builder.op("abs", [squares], {}, origin)], {}, origin);
    const roots = [negative, minus].map((id) => builder.op("sqrt", [id], {}, origin));
    const graph = builder.finish("roots", [{ name: "y", value: builder.op("add", roots, {}, origin), axes: ["3", "8"] }]);
    const [y] = await both(graph);
    expect([...new Set(y?.found)]).toEqual([0]);
  });
});
