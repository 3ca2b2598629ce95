// Which frames a frame of the result reads, derived from the graph alone: figure 3c's direction is a fact of the whole network.

import { expect, test } from "vitest";
import { dependenceAlong } from "../../../compiler/analysis/dependence.ts";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import type { Graph, Origin, ValueId } from "../../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { Random } from "../../dsl/random.ts";
import { compileFile } from "../../golden/cases.ts";

const frames = 1;

test.each([
  [[], "directed"],
  [["NoAdaptor"], "directed"],
  [["Series"], "directed"],
  [["TemporalOnly"], "directed"],
  [["Undirected"], "mixed"],
  [["SpatialOnly"], "independent"],
  [["ImageModel"], "independent"],
] as const)("denoise and decode under %j are %s along frames", (ablations, expected) => {
  const { written } = compileFile("models/magicvideo.mv", { preset: "Mini", ablations });
  for (const name of ["denoise", "decode"]) {
    const graph = written.get(name);
    expect(graph && dependenceAlong(graph, "z", frames)).toBe(expected);
  }
});

test("clips of a batch are independent, pixels are mixed, and the encoder sees each frame alone", () => {
  const { written } = compileFile("models/magicvideo.mv", { preset: "Mini", settings: { B: 2 } });
  const denoise = written.get("denoise");
  const encode = written.get("encode");
  if (denoise === undefined || encode === undefined) throw new Error("graphs are missing");
  expect(dependenceAlong(denoise, "z", 0)).toBe("independent");
  expect(dependenceAlong(denoise, "z", 3)).toBe("mixed");
  expect(dependenceAlong(encode, "x", frames)).toBe("independent");
});

const origin: Origin = { path: "", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };
const length = 5;

/** A graph of one input [2, 5, 3], whose second axis is what is asked for. */
function along(make: (x: ValueId, builder: GraphBuilder) => ValueId): Graph {
  const builder = new GraphBuilder();
  const x = builder.input("x", { dtype: "f32", shape: [2, length, 3] }, ["B", "F", "C"]);
  return builder.finish("moves", [{ name: "y", value: make(x, builder), axes: ["B", "F", "C"] }]);
}

const padded = (builder: GraphBuilder, x: ValueId, before: number, after: number) =>
  builder.op("pad", [x], { axis: 1, before, after }, origin);
const sliced = (builder: GraphBuilder, x: ValueId, start: number, size = length) =>
  builder.op("slice", [x], { axis: 1, start, size }, origin);
const added = (builder: GraphBuilder, x: ValueId, y: ValueId) => builder.op("add", [x, y], {}, origin);

/** Three neighbouring places added, the first of them as many ahead as there are zeros before. */
const window = (before: number) =>
  along((x, builder) => {
    const wide = padded(builder, x, before, 2 - before);
    const [a = -1, b = -1, c = -1] = [0, 1, 2].map((start) => sliced(builder, wide, start));
    return added(builder, added(builder, a, b), c);
  });

test("a window over zeros is directed where they are all before it, and mixed where it reads ahead", () => {
  expect([2, 1, 0].map((before) => dependenceAlong(window(before), "x", 1))).toEqual(["directed", "mixed", "mixed"]);
  expect(dependenceAlong(window(1), "x", 0)).toBe("independent");
  expect(dependenceAlong(window(1), "x", 2)).toBe("independent");
});

test("places that are moved there and back are independent, and what is cut off is no more the axis", () => {
  const back = along((x, builder) => sliced(builder, padded(builder, x, 3, 1), 3));
  const split = along((x, builder) => builder.op("concat", [sliced(builder, x, 0, 2), sliced(builder, x, 2, 3)], { axis: 1 }, origin));
  const swapped = along((x, builder) => builder.op("concat", [sliced(builder, x, 2, 3), sliced(builder, x, 0, 2)], { axis: 1 }, origin));
  const part = along((x, builder) => sliced(builder, x, 0, 2));
  // Columns and frames in one axis: its places are no frames.
  const folded = along((x, builder) => {
    const flat = builder.op("reshape", [x], { shape: [2, length * 3] }, origin);
    return builder.op(
      "reshape",
      [builder.op("slice", [padded(builder, flat, 1, 0)], { axis: 1, start: 0, size: 15 }, origin)],
      { shape: [2, length, 3] },
      origin,
    );
  });
  expect([back, split, swapped, part, folded].map((graph) => dependenceAlong(graph, "x", 1))).toEqual([
    "independent",
    "independent",
    "mixed",
    "mixed",
    "mixed",
  ]);
});

/** Which place of the result changes with which of the input, measured. */
function reads(graph: Graph): readonly (readonly [result: number, input: number])[] {
  const run = (changed: number) => {
    const data = Float32Array.from({ length: 2 * length * 3 }, (_, i) => i + 1 + (Math.floor(i / 3) % length === changed ? 0.5 : 0));
    return interpret(graph, new Map([["x", { shape: [2, length, 3], data }]]), () => ({ shape: [], data: new Float32Array() })).get("y");
  };
  const before = run(-1);
  return Array.from({ length }, (_, input) => {
    const after = run(input);
    const differing = [...(after?.data ?? [])].flatMap((x, i) => (x === before?.data[i] ? [] : [Math.floor(i / 3) % length]));
    return [...new Set(differing)].map((result) => [result, input] as const);
  }).flat();
}

/** Moves in any mixture, brought back to the length. */
function randomMoves(seed: number): Graph {
  const random = new Random(seed);
  return along((x, builder) => {
    const sizeOf = (id: ValueId) => builder.typeOf(id).shape[1] ?? 1;
    const fitted = (id: ValueId, size: number): ValueId => {
      if (sizeOf(id) > size) return sliced(builder, id, random.below(3) === 0 ? random.below(sizeOf(id) - size + 1) : 0, size);
      const missing = size - sizeOf(id);
      const before = random.below(3) === 0 ? missing : random.below(missing + 1);
      return padded(builder, id, before, missing - before);
    };
    const made = [x];
    for (let i = 0; i < 1 + random.below(4); i++) {
      const [one, two] = [random.pick(made), random.pick(made)];
      const move = random.below(4);
      if (move === 0) made.push(padded(builder, one, random.below(3), random.below(3)));
      else if (move === 1) made.push(sliced(builder, one, 0, 1 + random.below(sizeOf(one))));
      else if (move === 2) made.push(builder.op("concat", [one, two], { axis: 1 }, origin));
      else made.push(added(builder, one, fitted(two, sizeOf(one))));
    }
    return fitted(made.at(-1) ?? x, length);
  });
}

test("what is derived of moves holds of their numbers", () => {
  const holds = {
    none: () => false,
    independent: (result: number, input: number) => result === input,
    directed: (result: number, input: number) => result >= input,
    mixed: () => true,
  };
  const found = new Map<string, number>();
  for (let seed = 0; seed < 300; seed++) {
    const graph = randomMoves(seed);
    const derived = dependenceAlong(graph, "x", 1);
    found.set(derived, 1 + (found.get(derived) ?? 0));
    for (const [result, input] of reads(graph)) expect([seed, derived, result, input, holds[derived](result, input)]).toContain(true);
  }
  // All three are found, so that nothing holds by being empty.
  for (const kind of ["independent", "directed", "mixed"]) expect(found.get(kind)).toBeGreaterThan(20);
});
