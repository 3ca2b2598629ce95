// `view`, `arrange` and `expand` run on counting numbers against loops written by hand over the same indices.

import { expect, test } from "vitest";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { counting, graphOf, opsOf, refusals, run, shapeOfOutput } from "./expanded.ts";

const sizes = { B: 2, F: 3, C: 4, H: 5, W: 5 } as const;
type Axis = keyof typeof sizes;
const dims = Object.entries(sizes).map(([name, size]) => `dim ${name} = ${size};`);

/** A model of one graph: `body` on `x` of the axes `from`, to the axes `to`; L is an axis that `x` may lack. */
function source(from: string, body: string, to: string): string {
  const graph = `  graph run(x: Tensor<float, ${from}>): Tensor<float, ${to}> {\n    return ${body};\n  }`;
  return [...dims, "dim L = 2;", "model Tiny {", graph, "}", ""].join("\n");
}

/** The reading of axes by name that the compiler must agree with: a loop over the wanted order, each element looked up in the value's. */
function inOrder(from: readonly Axis[], to: readonly Axis[]): number[] {
  const strides = new Map(from.map((axis, i) => [axis, from.slice(i + 1).reduce((product, later) => product * sizes[later], 1)]));
  const walk = ([axis, ...rest]: readonly Axis[], offset: number): number[] =>
    axis === undefined ? [offset] : Array.from({ length: sizes[axis] }, (_, i) => walk(rest, offset + i * (strides.get(axis) ?? 0))).flat();
  return walk(to, 0);
}

const video: readonly Axis[] = ["B", "F", "C", "H", "W"];
const x = counting(2, 3, 4, 5, 5);

const forward: readonly [to: string, order: readonly Axis[], shape: readonly number[]][] = [
  ["[B * F, H * W, C]", ["B", "F", "H", "W", "C"], [6, 25, 4]],
  ["[B * H * W, F, C]", ["B", "H", "W", "F", "C"], [50, 3, 4]],
  ["[C, W, H, F, B]", ["C", "W", "H", "F", "B"], [4, 5, 5, 3, 2]],
  // H and W have one size: only their names tell this from standing still.
  ["[B, F, C, W, H]", ["B", "F", "C", "W", "H"], [2, 3, 4, 5, 5]],
  ["[W * B, C * F * H]", ["W", "B", "C", "F", "H"], [10, 60]],
  ["[B, 1, F, C * H, 1, W]", video, [2, 1, 3, 20, 1, 5]],
];

test.each(forward)("arrange to %s", (to, order, expected) => {
  const result = run(graphOf(source("[B, F, C, H, W]", `arrange(x, ${to})`, to)), { x });
  expect(result.shape).toEqual(expected);
  expect([...result.data]).toEqual(inOrder(video, order));
});

test.each(forward)("from %s back to where it came from", (to) => {
  const result = run(graphOf(source("[B, F, C, H, W]", `x |> arrange(${to}) |> arrange([B, F, C, H, W])`, "[B, F, C, H, W]")), { x });
  expect(result.shape).toEqual(x.shape);
  expect([...result.data]).toEqual([...x.data]);
});

test("arranging moves data once, and not at all where it stands", () => {
  const ops = (body: string, to: string) => opsOf(graphOf(source("[B, F, C, H, W]", body, to)));
  expect(ops("arrange(x, [B, F, C, H, W])", "[B, F, C, H, W]")).toEqual([]);
  expect(ops("arrange(x, [B * F, C, H * W])", "[B * F, C, H * W]")).toEqual(["reshape"]);
  expect(ops("arrange(x, [B, C, F, H, W])", "[B, C, F, H, W]")).toEqual(["transpose"]);
  expect(ops("arrange(x, [B * F, H * W, C])", "[B * F, H * W, C]")).toEqual(["transpose", "reshape"]);
});

test("names go along through ops that keep an axis, and a layer's width is an axis by the name it was given", () => {
  const body =
    "x |> conv2d(C, kernel: 1, bias: false) as conv |> silu() |> arrange([B * F, H * W, C]) |> linear(F * C, bias: false) as wide";
  const graph = graphOf(source("[B, F, C, H, W]", `${body} |> arrange([B, F, F * C, H, W])`, "[B, F, F * C, H, W]"));
  expect(shapeOfOutput(graph)).toEqual([2, 3, 12, 5, 5]);
});

test("an axis of the value that is written as a number is found by its size", () => {
  const from = "[B, 3, 7]";
  const result = run(graphOf(source(from, "arrange(x, [7, B, 3])", "[7, B, 3]")), { x: counting(2, 3, 7) });
  const expected = Array.from({ length: 7 }, (_, c) => Array.from({ length: 6 }, (_, row) => row * 7 + c)).flat();
  expect([...result.data]).toEqual(expected);
});

test("expand repeats the value along the axes that it lacks, wherever they stand", () => {
  const text = counting(2, 4);
  const each = (read: (b: number, f: number, l: number, c: number) => number, order: "bflc" | "cflb") => {
    const out: number[] = [];
    const [outer, inner] = order === "bflc" ? [2, 4] : [4, 2];
    for (let i = 0; i < outer; i++)
      for (let f = 0; f < 3; f++)
        for (let l = 0; l < 2; l++) for (let j = 0; j < inner; j++) out.push(order === "bflc" ? read(i, f, l, j) : read(j, f, l, i));
    return out;
  };
  const along = run(graphOf(source("[B, C]", "expand(x, [B * F, L, C])", "[B * F, L, C]")), { x: text });
  expect(along.shape).toEqual([6, 2, 4]);
  expect([...along.data]).toEqual(each((b, _f, _l, c) => b * 4 + c, "bflc"));
  const turned = run(graphOf(source("[B, C]", "expand(x, [C * F, L, B])", "[C * F, L, B]")), { x: text });
  expect(turned.shape).toEqual([12, 2, 2]);
  expect([...turned.data]).toEqual(each((b, _f, _l, c) => b * 4 + c, "cflb"));
});

test("view keeps the order of the elements", () => {
  const result: Tensor = run(graphOf(source("[B, C, H]", "view(x, [B * C, 1, H])", "[B * C, 1, H]")), { x: counting(2, 4, 5) });
  expect(result.shape).toEqual([8, 1, 5]);
  expect([...result.data]).toEqual([...counting(40).data]);
});

test.each([
  ["arrange(x, [B, F, C, H])", "[B, F, C, H]", "cannot-arrange", "W (5) would be lost"],
  ["arrange(x, [B, F, C, H, W, L])", "[B, F, C, H, W, L]", "cannot-arrange", "the value has no axis L"],
  ["arrange(x, [B, F, C, H, H])", "[B, F, C, H, H]", "cannot-arrange", "W (5) would be lost"],
  ["expand(x, [B * F, L, C])", "[B * F, L, C]", "cannot-arrange", "H (5), W (5) would be lost"],
  ["view(x, [B * F, C, H])", "[B * F, C, H]", "cannot-view", "[B, F, C, H, W] has 600 and [B * F, C, H] has 120"],
])("%s is refused with what is wrong", (body, to, code, words) => {
  const [refusal, ...others] = refusals(source("[B, F, C, H, W]", body, to));
  expect(others).toEqual([]);
  expect(refusal?.code).toBe(code);
  expect(refusal?.message).toContain(words);
});
