// Blocks and graphs of several tensors: lists and records given and returned, their dims bound by the first, `_` where they differ.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { shapeErrors } from "../../../compiler/compile.ts";
import { counting, graphOf, graphsOf, named, opsOf, programOf, refusals, run, weightsOf } from "./expanded.ts";

const image = "dim B = 1;\ntype Image<C, H, W> = Tensor<float, [B, C, H, W]>;\n";
const source = (blocks: string, body: string, result = "Image<2, 4, 4>") =>
  `${image}${blocks}\nmodel Tiny {\n  graph run(x: Image<2, 4, 4>): ${result} {\n    ${body}\n  }\n}\n`;
const codes = (text: string) => refusals(text).map(({ code, message }) => `${code}: ${message}`);

const levels = `block Down<C, H, W>(x: Image<C, H, W>): { skips: Image<_, _, _>[], mid: Image<2 * C, H / 2, W / 2> } {
  const half = x |> conv2d(2 * C, kernel: 1, stride: 2) as halve;
  return { skips: [x, half], mid: half * 2 };
}
block Up<C, H, W>(h: Image<C, H, W>, skips: Image<_, _, _>[], out: int): Image<out, 2 * H, 2 * W> {
  let left = skips;
  const joined = concat([h, left.pop()], axis: 1) |> conv2d(out, kernel: 1, bias: false) as join |> upsample(2);
  return joined + left.pop();
}`;

test("the case as it was given: a block that returns a list, a block that takes one", () => {
  const text = readFileSync("test/compiler/cases/list-of-tensors.mv", "utf8");
  expect(shapeErrors(programOf(text), { precision: "f32" })).toEqual([]);
  const x = counting(1, 8, 4, 4);
  expect(run(graphOf(text), { x })).toEqual(x);
});

test("skips of several sizes in one list, a record beside them, and what comes of it by hand", () => {
  const graph = graphOf(source(levels, "const down = Down(x) as down;\n    return Up(down.mid, down.skips, 2) as up;"));
  expect(Object.keys(weightsOf(graph))).toEqual(["down.halve.weight", "down.halve.bias", "up.join.weight"]);
  const x = counting(1, 2, 4, 4);
  const [out] = [run(graph, { x }).data];
  // Weights are ones: each of the four halved channels is x[0] + x[1] + 1 at even places, the middle twice that; the join sums 4 * (1 + 2) of them.
  const sum = (i: number, j: number) => (x.data[4 * i + j] as number) + (x.data[16 + 4 * i + j] as number) + 1;
  const by = (c: number, i: number, j: number) => 12 * sum(i - (i % 2), j - (j % 2)) + (x.data[16 * c + 4 * i + j] as number);
  const expected = Array.from({ length: 32 }, (_, k) => by(k >> 4, (k >> 2) % 4, k % 4));
  expect([...out]).toEqual(expected);
});

test("types that `type` declares may be lists and records, and take `_` for an axis", () => {
  const blocks =
    "type Pyramid<C> = { levels: Image<C, _, _>[], top: Image<C, 1, 1> };\nblock Make<C>(x: Image<C, 4, 4>): Pyramid<C> {\n  return { levels: [x, x |> upsample(2)], top: x |> mean(axis: 2) |> mean(axis: 3) };\n}\nblock Read<C>(p: Pyramid<C>): Image<C, _, _> {\n  return p.levels[0] + p.top;\n}";
  const kept = source(blocks, "const p = Make(x);\n    return Read(p);").replaceAll(
    "mean(axis: 2) |> mean(axis: 3)",
    "slice(axis: 2, start: 0, size: 1) |> slice(axis: 3, start: 0, size: 1)",
  );
  const x = counting(1, 2, 4, 4);
  expect([...run(graphOf(kept), { x }).data]).toEqual([...x.data].map((value, i) => value + (i < 16 ? 0 : 16)));
});

describe("items are each checked", () => {
  const last =
    "block Last<C, H, W>(all: Image<C, H, W>[], more: Image<_, H, W>[] = []): Image<C, H, W> {\n  return all[all.length - 1] + all[0];\n}";
  test.each([
    ["Last([x, x])", []],
    ["Last([x, x |> upsample(2)])", ["argument-shape: `Last` takes `all[1]` with axis H of 4, but it is 8"]],
    ["Last([x], [x |> upsample(2)])", ["argument-shape: `Last` takes `more[0]` with axis H of 4, but it is 8"]],
    ["Last([x], [concat([x, x], axis: 1)])", []],
    ["Last([x, view(x, [2, 4, 4])])", ["argument-rank: `Last` takes `all[1]` with axes [B, C, H, W], but the value has [2, 4, 4]"]],
  ])("%s", (call, expected) => {
    expect(codes(source(last, `return ${call};`))).toEqual(expected);
  });

  test("a dim that no tensor of an empty list binds is said to be so", () => {
    expect(codes(source(last, "let none = [x];\n    none.pop();\n    return Last(none);"))).toEqual([
      "unbound-size: no tensor is given to `Last` whose shape tells the size of C: the list is empty",
    ]);
  });

  test("of a result, with its place in it", () => {
    const both =
      "block Both<C, H, W>(x: Image<C, H, W>): { a: Image<C, H, W>[], b: Image<_, H, W> } {\n  return { a: [x, x |> upsample(2)], b: x };\n}";
    expect(codes(source(both, "return Both(x).b;"))).toEqual(["result-shape: `Both.a[1]` promises axis H of 4, but returns 8"]);
  });
});

test("an axis under `_` keeps no name of the block's: `arrange` finds it by its size", () => {
  const flat = "block Flat<C>(all: Image<C, _, _>[]): Tensor<float, [B, C, 16]> {\n  return all[0] |> arrange([B, C, 16]);\n}";
  expect(codes(source(flat, "return view(Flat([x]), [B, 2, 4, 4]);"))[0]).toMatch(/cannot be arranged/);
});

test("a graph returns several tensors by the names of fields and the numbers of items; inputs keep their names", () => {
  const text = `${image}model Tiny {\n  graph run(x: Image<2, 4, 4>, y: Image<2, 4, 4>): { x: Image<_, 4, 4>, rest: Image<2, _, _>[] } {\n    return { x: x + y, rest: [y, x |> upsample(2), y] };\n  }\n  graph list(x: Image<2, 4, 4>): Image<2, 4, 4>[] {\n    return [x, x * 2];\n  }\n}\n`;
  const graphs = graphsOf(programOf(text));
  const [x, y] = [counting(1, 2, 4, 4), counting(1, 2, 4, 4)];
  const outputs = interpret(
    named(graphs, "run"),
    new Map([
      ["x", x],
      ["y", y],
    ]),
    () => x,
  );
  expect([...outputs.keys()]).toEqual(["xResult", "rest.0", "rest.1", "rest.2"]);
  expect([...(outputs.get("xResult")?.data ?? [])]).toEqual([...x.data].map((value) => 2 * value));
  expect(outputs.get("rest.1")?.shape).toEqual([1, 2, 8, 8]);
  expect(named(graphs, "run").outputs.map(({ axes }) => axes.join())).toEqual(["B,2,4,4", "B,2,4,4", "B,2,8,8", "B,2,4,4"]);
  expect(named(graphs, "list").outputs.map(({ name }) => name)).toEqual(["list.0", "list.1"]);
});

describe("calls that check leaves out", () => {
  test("a repeated call stands for each of its results, and errors behind it are still found", () => {
    const body =
      "let h = x;\n    repeat 3 as level {\n      const down = Down(h) as down;\n      h = Up(down.mid, down.skips, 2) as up;\n    }\n    return h |> upsample(2);";
    const program = programOf(source(levels, body));
    expect(shapeErrors(program, { precision: "f32" }).map(({ message }) => message)).toEqual(
      codes(source(levels, body)).map((line) => line.replace(/^[\w-]+: /, "")),
    );
  });

  test("one tensor in two places of a list is another call than two tensors", () => {
    const pick =
      "block Pick<C, H, W>(all: Image<C, H, W>[]): Image<C, H, W> {\n  weight gain: Tensor<float, [1]> = ones;\n  return all[0] * view(gain, [1, 1, 1, 1]);\n}";
    const body =
      "const lost = x |> conv2d(2, kernel: 1) as lost;\n    const one = Pick([x, x]) as one;\n    return one + Pick([x, lost]) as two;";
    expect(shapeErrors(programOf(source(pick, body)), { precision: "f32" }).map(({ message }) => message)).toEqual([
      "no result of `run` depends on the weights of `lost`",
    ]);
  });

  test("a result that nothing reads has its weights unread", () => {
    const two =
      "block Two<C, H, W>(x: Image<C, H, W>): { a: Image<C, H, W>, b: Image<C, H, W> } {\n  return { a: x |> conv2d(C, kernel: 1) as one, b: x |> conv2d(C, kernel: 1) as two };\n}";
    const text = source(two, "const one = Two(x) as first;\n    const two = Two(one.a + one.b) as second;\n    return two.a;");
    const expected = ["unread-weight: no result of `run` depends on the weights of `second.two`"];
    expect(codes(text)).toEqual(expected);
    expect(shapeErrors(programOf(text), { precision: "f32" }).map(({ code, message }) => `${code}: ${message}`)).toEqual(expected);
  });
});

test("parts that lists share are counted as often as they stand: no walk without end", () => {
  const double = Array.from({ length: 24 }, (_, i) => `type L${i + 1} = L${i}[];`).join("\n");
  const block = `type L0 = Tensor<float, [_, _, _, _]>;\n${double}\nblock Deep(all: L24): Image<_, _, _> {\n  return all${"[0]".repeat(24)};\n}`;
  const body = `const l0 = x;\n    ${Array.from({ length: 24 }, (_, i) => `const l${i + 1} = [l${i}, l${i}];`).join(" ")}\n    return Deep(l24);`;
  expect(codes(source(block, body))).toEqual(["too-large: the graph takes more than 1000000 items of lists and constants"]);
});

test("no op is made for what only changes its names", () => {
  expect(
    opsOf(graphOf(source("block Same<C, H, W>(all: Image<C, H, W>[]): Image<_, _, _>[] {\n  return all;\n}", "return Same([x, x])[1];"))),
  ).toEqual([]);
});
