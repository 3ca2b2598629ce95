// The law of names: what a model means does not depend on which sizes happen to be equal.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Choices } from "../../../compiler/expand/configure.ts";
import type { Graph, OpValue } from "../../../compiler/graph/graph.ts";
import { sizeOf } from "../../../compiler/graph/graph.ts";
import { counting, graphOf, graphsOf, magicVideo, named, programOf, programOfFile, refusals, run } from "./expanded.ts";

const caseText = (name: string) => readFileSync(`test/compiler/cases/${name}.mv`, "utf8");
const codes = (text: string, settings = {}) => refusals(text, { settings }).map(({ code }) => code);

/** A graph on `x` of the axes `from`, all that are named of 4, in a model of the dims H, W, S and the params p and q. */
const square = (from: string, body: string, to: string) =>
  `param p: int = 2;\nparam q: int = 2;\nmodel M<H = 4, W = 4, S = 4> {\n  graph run(x: Tensor<float, ${from}>): Tensor<float, ${to}> { ${body} }\n}\n`;

test.each([
  ["H / 2 / 2", "H / 4"],
  ["H / 2 * 2", "H"],
  ["2 * H", "H * 2"],
  ["H * 4 / 8 * W", "H * W / 2"],
  ["H / p * p", "H"],
  ["H * W / p", "H * W / p"],
  ["H / p / q", "H / (p * q)"],
  ["W * H", "W * H"],
  ["H + W - H", "W"],
  ["2 * H - 1", "H * 2 - 1"],
  ["1 + H", "H + 1"],
  ["(H + 1) * W", "(H + 1) * W"],
  ["(H * 2 + 2) / (H + 1) * H", "H * 2"],
  ["H ** 2 * W / H", "H * W"],
  ["(H + 1) ** 2", "(H + 1) * (H + 1)"],
  ["p ** p", "p ** p"],
  ["H * p ** p", "H * (p ** p)"],
  ["H * H / H", "H"],
  ["W / W * 3", "3"],
])("%s is %s", (written, name) => {
  const graph = graphOf(square(`[${written}]`, "return x;", `[${written}]`));
  expect(graph.values.flatMap((value) => (value.kind === "input" ? value.axes : []))).toEqual([name]);
});

describe("equal sizes hide no permutation", () => {
  test.each([
    ["a result", square("[H, W]", "return x;", "[W, H]")],
    ["a result with one axis for both", square("[H, W]", "return x;", "[H, H]")],
    ["a result within a product", square("[H, W]", "return x |> arrange([W * H]);", "[H * W]")],
    ["a sum", square("[H, W]", "return x + (x |> arrange([W, H]));", "[H, W]")],
    ["a sum of halves", square("[H / 2, W / p]", "return x + (x |> arrange([W / p, H / 2]));", "[H / 2, W / p]")],
    ["a concatenation", square("[2, H, W]", "return concat([x, x |> arrange([2, W, H])], axis: 0);", "[4, H, W]")],
    ["a view", square("[H, W]", "return view(x, [W, H]);", "[W, H]")],
    ["a view that splits", square("[H, W * 2]", "return view(x, [W, 2, H]);", "[W, 2, H]")],
    ["a view of a weight", square("[2, H, W]", "weight w: Tensor<float, [W, H]> = ones;\n return x * view(w, [1, H, W]);", "[2, H, W]")],
    ["a product", square("[H, W]", "return matmul(x, x);", "[H, W]")],
    ["a batch of products", square("[H, W, S]", "return matmul(x, x |> arrange([W, S, H]));", "[H, W, H]")],
    ["attention", square("[H, W, S]", "return attend(x, x |> arrange([W, H, S]), x |> arrange([W, H, S]), heads: 1);", "[H, W, S]")],
  ])("%s", (_, text) => {
    expect(codes(text)).toEqual(["axis-mismatch"]);
    // Told apart by size the model is refused as well: no size makes it right.
    expect(codes(text, { H: 4, W: 8, S: 12 })).not.toEqual([]);
  });

  test("an argument", () => {
    const pair = "block Pair<H, W>(x: Tensor<float, [H, W]>, y: Tensor<float, [W, H]>): Tensor<float, [H, W]> { return x; }\n";
    expect(codes(pair + square("[H, W]", "return Pair(x, x);", "[H, W]"))).toEqual(["axis-mismatch"]);
    expect(codes(pair + square("[H, W]", "return Pair(x, x |> arrange([W, H]));", "[H, W]"))).toEqual([]);
  });

  test("the names that a block has for its axes are not those of its caller", () => {
    const turn = "block Turn<W, H>(x: Tensor<float, [W, H]>): Tensor<float, [H, W]> { return x |> arrange([H, W]); }\n";
    expect(codes(turn + square("[H, W]", "return Turn(x);", "[W, H]"))).toEqual([]);
    expect(codes(turn + square("[H, W]", "return Turn(x);", "[H, W]"))).toEqual(["axis-mismatch"]);
    const widths = "block Wide<W>(x: Tensor<float, [W, 4]>, sizes: int[]): Tensor<float, [W, 4]> { return x |> linear(sizes[0]) as l; }\n";
    expect(codes(widths + square("[H, 4]", "return Wide(x, [W, H]) as wide;", "[H, 4]"))).toEqual([]);
  });
});

test.each([
  ["two layers of one width", square("[2, 3]", "return x + (x |> linear(4) as a |> linear(3) as b);", "[2, 3]")],
  ["a width that the model asked about", square("[2, H]", "return x + (W == H ? x |> linear(W) as l : x |> linear(H) as m);", "[2, H]")],
  ["a const for a product", square("[H, W]", "const s = H * W;\n return view(x, [s]) |> arrange([W, H]);", "[W, H]")],
  ["a number for a name", square("[H, W]", "return view(x, [4, 4]) + x;", "[H, W]")],
  ["one after another", square("[H, W]", "return concat([x |> slice(axis: 0, start: 0, size: 1), x |> slice(axis: 0, start: 1, size: H - 1)], axis: 0) + x;", "[H, W]")],
  ["a stride and back", square("[1, S, H, W]", "return x + (x |> conv2d(S, kernel: 3, stride: p) as c |> upsample(p));", "[1, S, H, W]")],
  ["two names of one size", square("[S, H / p, W / q, p, q]", "return x |> arrange([S, H / p * p, W / q * q]);", "[S, H, W]")],
])("%s: sound", (_, text) => {
  expect(codes(text)).toEqual([]);
}); // biome-ignore format: a case reads best as a line

test("what stretches is written as 1: a clip alone in its batch is no reason to repeat it", () => {
  const text =
    "dim B = 1;\nmodel M<F = 4> {\n  graph run(x: Tensor<float, [B, F]>): Tensor<float, [F, F]> { return x + (x |> arrange([F, B])); }\n}\n";
  const [refusal] = refusals(text);
  expect(refusal?.message).toBe("`+` needs equal axes, but axis B (F on the right) is 1 on the left and 4 on the right");
  expect(codes(text.replace("return x + (x |> arrange([F, B]));", "return x |> arrange([F]) |> expand([F, F]);"))).toEqual([
    "cannot-arrange",
  ]);
});

describe("the cases that were accepted", () => {
  test("swapped axes", () => {
    expect(codes(caseText("swapped-axes"))).toEqual(["axis-mismatch", "axis-mismatch"]);
  });

  test("params that are equal in a preset turn what they turn at any size", () => {
    const program = programOf(caseText("equal-params"));
    for (const [preset, shape] of [[undefined, [2, 4, 8]], ["Square", [2, 4, 4]]] as const) {
      const [s, heads, width] = shape;
      const graph = named(graphsOf(program, { preset }), "run");
      const turned = Array.from({ length: s }, (_, i) =>
        Array.from({ length: width }, (_, w) => Array.from({ length: heads }, (_, h) => (i * heads + h) * width + w)),
      );
      expect([...run(graph, { x: counting(...shape) }).data]).toEqual(turned.flat(2));
    }
  });

  test("a patch's two axes are asked for names, and with them come back as the picture's", () => {
    const text = caseText("axis-arithmetic");
    const [refusal, ...others] = refusals(text);
    expect([refusal?.code, others]).toEqual(["ambiguous-axes", []]);
    expect(refusal?.message).toContain("[Z, H, W]");
    const told = text
      .replace("return view(x, [H / patch, W / patch, patch, patch, Z])", "const rows = patch;\n const columns = patch;\n return view(x, [H / patch, W / patch, rows, columns, Z])")
      .replace("H / patch * patch, W / patch * patch]", "H / patch * rows, W / patch * columns]");
    const x = counting(16, 16);
    const [h, w, z] = [8, 8, 4];
    const pixel = (c: number, i: number, j: number) => ((Math.floor(i / 2) * 4 + Math.floor(j / 2)) * 4 + (i % 2) * 2 + (j % 2)) * z + c;
    const expected = Array.from({ length: z * h * w }, (_, at) => pixel(Math.floor(at / (h * w)), Math.floor(at / w) % h, at % w));
    expect([...run(graphOf(told), { x }).data]).toEqual(expected);
  });
}); // biome-ignore format: a case reads best as a line

/** All that is not a size: ops, what they read, weights by path, the order that axes are brought into. */
function structure(graph: Graph): string[] {
  const place = new Map(graph.values.map(({ id }, i) => [id, i]));
  const of = ({ op, inputs, attributes }: OpValue) => {
    const kept = "permutation" in attributes ? attributes.permutation : "axis" in attributes ? attributes.axis : "";
    return `${op} ${inputs.map((id) => place.get(id)).join()} ${JSON.stringify(kept)}`;
  };
  return graph.values.map((value) => (value.kind === "op" ? of(value) : value.kind === "weight" ? value.path : value.kind));
}

describe("MagicVideo", () => {
  const program = magicVideo();
  const different = {
    B: 2, F: 5, L: 7, D: 28, Z: 3, H: 10, W: 14, groups: 2, vocabulary: 31,
    levels: [{ width: 36, attends: true }, { width: 44, attends: true }],
    vaeWidths: [18, 22, 26, 52],
  }; // biome-ignore format: sizes read best as a line

  test.each([undefined, "NoAdaptor", "Undirected", "SpatialOnly", "TemporalOnly", "ImageVae", "Series", "ImageModel"])("all sizes different are the same graphs: %s", (ablation) => {
    const choices = { preset: "Mini", ablations: ablation === undefined ? [] : [ablation] };
    const own = graphsOf(program, { ...choices, settings: { B: 2 } });
    const other = graphsOf(program, { ...choices, settings: different });
    for (const [name, graph] of own) expect(structure(named(other, name)), name).toEqual(structure(graph));
    const inputs = [...other.values()].flatMap(({ values }) => values.flatMap((value) => (value.kind === "input" ? value.type.shape : [])));
    expect(new Set(inputs)).toEqual(new Set([2, 3, 5, 7, 10, 14, 28, 80, 112]));
    expect(sizeOf([...new Set(inputs)])).toBeGreaterThan(1);
  });
}); // biome-ignore format: names of ablations read best as a line

const unet = { B: 2, F: 5, L: 7, D: 28, Z: 3, H: 10, W: 14, groups: 4 };
const widths = (attends: readonly boolean[]) => attends.map((each, i) => ({ width: [36, 60][i] ?? 0, attends: each }));
const alike = { B: 4, F: 4, Z: 4, H: 4, W: 4, L: 4 };

/** Of each family sizes that are equal as far as they can be (clips, frames, channels, sides, tokens, heads), and such as all differ. */
test.each<readonly [string, Settings, Settings]>([
  ["stable-diffusion-2/unet", without(alike, "F"), { ...without(unet, "F"), headWidth: 12, levels: widths([true, false]) }],
  ["controlnet/unet", without(alike, "F"), { ...without(unet, "F"), levels: widths([true, false]), hintWidths: [8, 16, 22] }],
  ["animatediff/unet", alike, { ...unet, levels: widths([true, false]) }],
  ["modelscope/unet", alike, { ...unet, headWidth: 12, levels: widths([true, false]) }],
  ["stable-video-diffusion/unet", without(alike, "L"), { ...without(unet, "L"), headWidth: 12, levels: widths([true, false]), numberWidth: 22 }],
  ["make-a-video/unet", alike, { ...unet, levels: widths([true, false]) }],
  ["video-diffusion/unet", without(alike, "Z"), { ...without(unet, "Z"), E: 44, headWidth: 12, levels: widths([false, true]) }],
  ["latte/latte", { B: 4, F: 4, Z: 4, H: 8, W: 8, heads: 4 }, { B: 2, F: 5, Z: 3, H: 14, W: 22, width: 36, heads: 9 }],
  ["video-transformer/video-transformer", { B: 4, F: 4, Z: 4, H: 8, W: 8, heads: 4 }, { B: 2, F: 5, Z: 3, H: 14, W: 22, width: 36, heads: 9, classes: 10 }],
  ["wan/wan", { ...alike, heads: 2 }, { B: 2, F: 5, L: 7, D: 28, Z: 3, H: 10, W: 14, width: 36, heads: 3, hidden: 44, waves: 22 }],
  ["wan/vae", { B: 4, F: 4, H: 4, W: 4 }, { B: 2, F: 3, H: 5, W: 7 }],
])("%s: all sizes different are the same graphs", (name, equal, different) => {
  const program = programOfFile(`models/${name}.mv`);
  const own = graphsOf(program, { preset: "Mini", settings: equal });
  const other = graphsOf(program, { preset: "Mini", settings: different });
  for (const [graph, made] of own) expect(structure(named(other, graph)), graph).toEqual(structure(made));
}); // biome-ignore format: a family reads best as a line

type Settings = NonNullable<Choices["settings"]>;

function without(settings: Settings, name: string): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => key !== name));
}
