// Which frames a frame of the result reads, derived from the graph alone: figure 3c's direction is a fact of the whole network.

import { expect, test } from "vitest";
import { dependenceAlong } from "../../../compiler/analysis/dependence.ts";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { expandModel } from "../../../compiler/compile.ts";
import type { Graph, Origin, ValueId } from "../../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { Random } from "../../dsl/random.ts";
import { checkText } from "../../dsl/sources.ts";
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

test("places that are moved there and back are independent, those of a part from the start too", () => {
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
    "independent",
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

const head = "dim B = 2; dim F = 6; dim G = 6; dim C = 4;\ntype Frames = Tensor<float, [F, C]>;\ntype Clip = Tensor<float, [B, F, C]>;\n";
const cut = (start: number, size: number | string) => `(x |> slice(axis: 0, start: ${start}, size: ${size}))`;
const joined = (...parts: readonly string[]) => `concat([${parts.join(", ")}], axis: 0)`;
const zeros = `(${cut(0, 1)} * 0.0)`;
const other = "(y |> slice(axis: 0, start: 0, size: 1))";

/** How the result of a graph of its own reads `x` along an axis. */
function alongFrames(result: string, parameters: string, type = "Frames", axis = 0): string {
  const { program, diagnostics } = checkText(`${head}model M { graph run(${parameters}): ${type} { ${result} } }\n`);
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  const expanded = expandModel(program, { precision: "f32" });
  if (!expanded.ok) throw new Error(JSON.stringify(expanded.diagnostics));
  const graph = expanded.value.graphs.get("run");
  if (graph === undefined) throw new Error("no graph");
  return dependenceAlong(graph, "x", axis);
}

test.each([
  ["a frame and the one before", `return x + ${joined(zeros, cut(0, "F - 1"))};`, "directed"],
  ["a product with the frame before", `return x * ${joined(zeros, cut(0, "F - 1"))};`, "directed"],
  ["the frame before, repeated at the start", `return ${joined(cut(0, 1), cut(0, "F - 1"))};`, "directed"],
  ["the frame two before", `return x + ${joined(zeros, zeros, cut(0, "F - 2"))};`, "directed"],
  ["the frame after", `return x + ${joined(cut(1, "F - 1"), zeros)};`, "mixed"],
  ["the frame before the frame after", `const later = ${joined(cut(1, "F - 1"), other)};\n return ${joined(other, "(later |> slice(axis: 0, start: 0, size: F - 1))")};`, "independent"],
  ["both neighbours", `return ${joined(zeros, cut(0, "F - 1"))} + ${joined(cut(1, "F - 1"), zeros)};`, "mixed"],
  ["halves in order", `return ${joined(cut(0, 3), cut(3, 3))};`, "independent"],
  ["halves in the other order", `return ${joined(cut(3, 3), cut(0, 3))};`, "mixed"],
  ["each frame by itself", `return ${joined(...[0, 1, 2, 3, 4, 5].map((i) => `(${cut(i, 1)} |> silu())`))};`, "independent"],
  ["the first frame in all", `return x + ${cut(0, 1)};`, "directed"],
  ["a later frame in all", `return x + ${cut(1, 1)};`, "mixed"],
  ["the first half in the second", `return ${joined(cut(0, 3), `(${cut(3, 3)} + ${cut(0, 3)})`)};`, "directed"],
  ["a mean of the first frames in the last", `const h = ${cut(0, 3)};\n const s = softmax(h, axis: 0);\n return ${joined("h * 1.0", `(${cut(3, 3)} + s)`)};`, "directed"],
  ["two copies, of which one is taken", "const two = concat([x, x * 2.0], axis: 0) |> silu();\n return two |> slice(axis: 0, start: F, size: F);", "independent"],
  ["the first half twice", `return ${joined(cut(0, 3), cut(0, 3))};`, "directed"],
  ["channels of every frame", "return x |> linear(C) as w;", "independent"],
  ["none of them", "return y + (y |> silu());", "none"],
] as const)("%s", (_, result, expected) => {
  expect(alongFrames(result, "x: Frames, y: Frames")).toBe(expected);
}); // biome-ignore format: a case reads best as a line

test.each([
  ['conv1d(C, kernel: 3, padding: "causal") as conv', "directed"],
  ['conv1d(C, kernel: 2, padding: "causal", dilation: 3, groups: C) as conv', "directed"],
  ["conv1d(C, kernel: 3) as conv", "mixed"],
  ["conv1d(C, kernel: 3, dilation: 2) as conv", "mixed"],
  ['conv1d(C, kernel: 3, padding: "end") as conv', "mixed"],
  ["conv1d(C, kernel: 1) as conv", "independent"],
  ['conv1d(C, kernel: 3, padding: "none") as conv |> pad(axis: 2, before: 1, after: 1)', "mixed"],
  ['convTranspose1d(C, kernel: 3, padding: "causal") as conv', "directed"],
  ["convTranspose1d(C, kernel: 3) as conv", "mixed"],
  ["averagePool1d(1)", "independent"],
  ["averagePool1d(2, stride: 1) |> pad(axis: 2, before: 1, after: 0)", "directed"],
  ["averagePool1d(2, stride: 1) |> pad(axis: 2, before: 0, after: 1)", "mixed"],
  ["conv1d(C, kernel: 3) as conv |> pad(axis: 2, before: 1, after: 0) |> slice(axis: 2, start: 0, size: F)", "directed"],
] as const)("along frames %s is %s", (op, expected) => {
  const result = `return x |> arrange([C, F]) |> expand([1, C, F]) |> ${op} |> arrange([F, C]);`;
  expect(alongFrames(result, "x: Frames")).toBe(expected);
});

/** `x` [2, T, 3] with each place twice. */
function twice(builder: GraphBuilder, x: ValueId): ValueId {
  const size = builder.typeOf(x).shape[1] ?? 1;
  const apart = builder.op("reshape", [x], { shape: [2, size, 1, 3] }, origin);
  const repeated = builder.op("broadcast", [apart], { shape: [2, size, 2, 3] }, origin);
  return builder.op("reshape", [repeated], { shape: [2, size * 2, 3] }, origin);
}

/** The means of `kernel` places, every `stride`. */
function windowed(builder: GraphBuilder, x: ValueId, kernel: number, stride: number): ValueId {
  const last = builder.op("transpose", [x], { permutation: [0, 2, 1] }, origin);
  const pooled = builder.op("averagePool1d", [last], { kernel, stride }, origin);
  return builder.op("transpose", [pooled], { permutation: [0, 2, 1] }, origin);
}

/** The first place as it is, and what is made of the others behind it. */
function firstAlone(builder: GraphBuilder, x: ValueId, make: (builder: GraphBuilder, others: ValueId) => ValueId): ValueId {
  const others = make(builder, sliced(builder, x, 1, (builder.typeOf(x).shape[1] ?? 1) - 1));
  return builder.op("concat", [sliced(builder, x, 0, 1), others], { axis: 1 }, origin);
}

const pairs = (builder: GraphBuilder, x: ValueId) => windowed(builder, x, 2, 2);

// What each place of the result reads of the places 0 to 4.
test.each([
  ["00 11 22 33 44", "independent", (x, builder) => twice(builder, x)],
  ["0 11 22 33 44", "independent", (x, builder) => firstAlone(builder, x, twice)],
  ["0 11 22 33 44, cut from both ends", "independent", (x, builder) => sliced(builder, twice(builder, x), 1, 9)],
  ["00 11 22 33 4", "directed", (x, builder) => sliced(builder, twice(builder, x), 0, 9)],
  ["1 12 23 34 4, a place too early", "mixed", (x, builder) => padded(builder, twice(builder, sliced(builder, x, 1, 4)), 0, 1)],
  ["01 23", "independent", (x, builder) => pairs(builder, x)],
  ["0 12 34", "independent", (x, builder) => firstAlone(builder, x, pairs)],
  ["0 012 234", "directed", (x, builder) => builder.op("concat", [sliced(builder, x, 0, 1), windowed(builder, x, 3, 2)], { axis: 1 }, origin)],
  ["012 234 4", "mixed", (x, builder) => builder.op("concat", [windowed(builder, x, 3, 2), sliced(builder, x, 4, 1)], { axis: 1 }, origin)],
  ["0 1234 to five", "mixed", (x, builder) => {
    const halved = firstAlone(builder, firstAlone(builder, x, pairs), pairs);
    return firstAlone(builder, firstAlone(builder, halved, twice), twice);
  }],
] as readonly [string, string, (x: ValueId, builder: GraphBuilder) => ValueId][])("a result that reads %s is %s", (_, expected, make) => {
  const builder = new GraphBuilder();
  const y = make(builder.input("x", { dtype: "f32", shape: [2, length, 3] }, ["B", "F", "C"]), builder);
  const frames = builder.typeOf(y).shape[1] === length ? "F" : "2 * F";
  const graph = builder.finish("resized", [{ name: "y", value: y, axes: ["B", frames, "C"] }]);
  expect(dependenceAlong(graph, "x", 1)).toBe(expected);
}); // biome-ignore format: a case reads best as a line

test("no frame of Wan's autoencoder reads a later one, though a latent stands for four; in its transformer all see each other", () => {
  const { written } = compileFile("models/wan/vae.mv", { preset: "Mini" });
  const kinds = (graph: string, input: string) => {
    const found = written.get(graph);
    return found && [0, 1, 3, 4].map((axis) => dependenceAlong(found, input, axis));
  };
  expect(kinds("encode", "x")).toEqual(["independent", "directed", "mixed", "mixed"]);
  expect(kinds("decode", "z")).toEqual(["independent", "directed", "mixed", "mixed"]);
  const transformer = compileFile("models/wan/wan.mv", { preset: "Mini" }).written.get("denoise");
  expect(transformer && dependenceAlong(transformer, "z", 1)).toBe("mixed");
});

test("a convolution over three axes is causal along frames alone", () => {
  const parameters = "x: Tensor<float, [B, F, C, G, 5]>";
  const volume = (attributes: string, axis: number) =>
    alongFrames(
      `return x |> arrange([B, C, F, G, 5]) |> conv3d(C, ${attributes}) as conv |> arrange([B, F, C, G, 5]);`,
      parameters,
      "Tensor<float, [B, F, C, G, 5]>",
      axis,
    );
  const causal = 'kernel: 3, padding: ["causal", "same", "same"]';
  expect([0, 1, 2, 3, 4].map((axis) => volume(causal, axis))).toEqual(["independent", "directed", "mixed", "mixed", "mixed"]);
  const flat = 'kernel: [1, 3, 3], padding: ["none", "causal", 1]';
  expect([0, 1, 2, 3, 4].map((axis) => volume(flat, axis))).toEqual(["independent", "independent", "mixed", "directed", "mixed"]);
});

test("frames within an axis that joins them with clips", () => {
  const looked = (axes: string) =>
    `const t = x |> arrange([${axes}, C]) |> expand([1, ${axes}, C]);\n const u = attend(t, t, t, heads: 1, causal: true);\n`;
  const back = (axes: string) => `${looked(axes)} return u |> arrange([${axes}, C]) |> arrange([B, F, C]);`;
  expect(alongFrames(back("F * B"), "x: Clip", "Clip", 1)).toBe("directed");
  expect(alongFrames(back("B * F"), "x: Clip", "Clip", 1)).toBe("mixed");
  expect(alongFrames(back("B * F"), "x: Clip", "Clip", 0)).toBe("directed");
});

test("positions are those of the axis that has the name", () => {
  expect(alongFrames("return x;", "x: Tensor<float, [F, G]>", "Tensor<float, [F, G]>")).toBe("independent");
  const turned = "return view(view(x |> arrange([G, F]), [G * F % 999]), [F, G]);";
  expect(alongFrames(turned, "x: Tensor<float, [F, G]>", "Tensor<float, [F, G]>")).toBe("mixed");
  expect(alongFrames("return x |> arrange([G, F]);", "x: Tensor<float, [F, G]>", "Tensor<float, [G, F]>")).toBe("independent");
});

test("a query reads its own row of a product or an attention, and the rows of the other side all", () => {
  const parameters = "x: Frames, w: Tensor<float, [C, C]>, k: Tensor<float, [1, 3, C]>";
  expect(alongFrames("return matmul(x, w);", parameters)).toBe("independent");
  expect(alongFrames("return arrange(attend(expand(x, [1, F, C]), k, k, heads: 1), [F, C]);", parameters)).toBe("independent");
  expect(alongFrames("const t = expand(x, [1, F, C]);\n return arrange(attend(t * 0.0, t, t, heads: 1), [F, C]);", parameters)).toBe(
    "mixed",
  );
});
