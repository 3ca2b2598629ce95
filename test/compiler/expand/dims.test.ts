// Dims bound by the shapes of arguments, the names that axes keep through blocks, and the compile-time values that bodies work with.

import { expect, test } from "vitest";
import { counting, graphOf, opsOf, refusals, run, shapeOfOutput } from "./expanded.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";

/** A model of one graph on an image of 4 x 8 x 6; `result` is the shape that it promises. */
function source(declarations: string, body: string, result = "[1, 4, 8, 6]"): string {
  return `${image}${declarations}\nmodel Tiny<H = 8, W = 6> {\n  graph run(x: Image<4, H, W>): Tensor<float, ${result}> {\n    ${body}\n  }\n}\n`;
}

/** A block whose widths are what is tested: each is the number of channels that a convolution makes. */
function widthOf(expression: string, before = "", parameters = "", argument = ""): number | undefined {
  const block = `block Net<C, H, W>(x: Image<C, H, W>${parameters}): Image<${expression}, H, W> {\n  return x |> conv2d(${expression}, kernel: 1) as conv;\n}`;
  return shapeOfOutput(
    graphOf(source(`${before}\n${block}`, `return Net(x${argument}) as net;`, `[1, ${expectedOf(expression)}, H, W]`)),
  )[1];
}

/** Arithmetic of the language on C = 4, H = 8, W = 6, done by JavaScript; `/` must come out even, so it is the same. */
function expectedOf(expression: string): number {
  return new Function("C", "H", "W", "extra", "factor", `return ${expression}`)(4, 8, 6, 3, 2) as number;
}

test.each([
  "C",
  "2 * C",
  "C * W / H * 10 / 2",
  "H % W + C",
  "2 ** (H - W)",
  "(C == 4 ? 10 : 20)",
  "(C > 4 || W < H ? 1 + 2 : 5)",
  "H - W - 1",
])("a promised width of %s is what it works out to", (expression) => expect(widthOf(expression)).toBe(expectedOf(expression)));

test("params and defaults enter shapes; a default sees the dims and the parameters before it", () => {
  expect(widthOf("C + factor", "param factor: int = 2;")).toBe(6);
  expect(widthOf("C + extra", "", ", extra: int = C - 1")).toBe(7);
  expect(widthOf("C + extra", "", ", extra: int = 1", ", extra: 3")).toBe(7);
});

test("one dim bound by two arguments must have one size", () => {
  const add = "block Add<C, H, W>(x: Image<C, H, W>, y: Image<C, H, W>): Image<C, H, W> {\n  return x + y;\n}";
  const [refusal] = refusals(source(add, "return Add(x, x |> conv2d(5, kernel: 1) as wide);"));
  expect(refusal?.code).toBe("argument-shape");
  expect(refusal?.message).toBe("`Add` takes `y` with axis C of 4, but it is 5");
});

test("a dim bound by the last of several arguments is known to the signatures of all", () => {
  const pick =
    "block Pick<C, H, W, K>(x: Image<C * K, H, W>, y: Image<C, H, W>, z: Image<K, H, W>): Image<C, H, W> {\n  return y + (x |> conv2d(C, kernel: 1) as narrow);\n}";
  const wide = "x |> conv2d(12, kernel: 1) as wide";
  const graph = graphOf(source(pick, `return Pick(${wide}, x, x |> slice(axis: 1, start: 0, size: 3)) as pick;`));
  expect(shapeOfOutput(graph)).toEqual([1, 4, 8, 6]);
  const [refusal] = refusals(source(pick, `return Pick(${wide}, x, x |> slice(axis: 1, start: 0, size: 2)) as pick;`));
  expect(refusal?.message).toBe("`Pick` takes `x` with axis C * K of 8, but it is 12");
});

test("an error names the axes as the block that it stands in does, and where each level was expanded from", () => {
  const levels =
    "block Inner<C, H, W>(x: Image<C, H, W>, out: int): Image<out, H, W> {\n  return (x |> conv2d(out, kernel: 1) as conv) + x;\n}\nblock Outer<K, Y, X>(x: Image<K, Y, X>): Image<2 * K, Y, X> {\n  return x |> Inner(2 * K) as inner;\n}";
  const [refusal] = refusals(source(levels, "return Outer(x) as outer;", "[1, 8, 8, 6]"));
  expect(refusal?.code).toBe("shape-mismatch");
  expect(refusal?.message).toBe("`+` needs equal axes, but axis out (C on the right) is 8 on the left and 4 on the right");
  expect(refusal?.related?.map((related) => related.message)).toEqual(["expanded from Inner", "expanded from Outer"]);
});

test("what a block returns is arranged by the caller's names, not by the block's", () => {
  const swap = "block Swap<C, H, W>(x: Image<C, W, H>): Image<C, W, H> {\n  return x + x * 0;\n}";
  const body = "return Swap(x) |> arrange([1, 4, W, H]);";
  const graph = graphOf(source(swap, body, "[1, 4, W, H]"));
  const turned = run(graph, { x: counting(1, 4, 8, 6) });
  expect(turned.shape).toEqual([1, 4, 6, 8]);
  expect([...turned.data]).toEqual(Array.from({ length: 192 }, (_, i) => Math.floor(i / 48) * 48 + (i % 8) * 6 + (Math.floor(i / 8) % 6)));
});

test("arithmetic needs equal rank, stretches axes of 1 and takes numbers", () => {
  const graph = graphOf(
    source("", "const row = view(x |> slice(axis: 2, start: 0, size: 1), [1, 4, 1, W]);\n    return -(2 * x - row) / 4;"),
  );
  const x = counting(1, 4, 8, 6);
  const expected = Array.from(x.data, (value, i) => -(2 * value - (Math.floor(i / 48) * 48 + (i % 6))) / 4);
  expect([...run(graph, { x }).data]).toEqual(expected);
  expect(refusals(source("", "return x + view(x, [4, 8, 6]);"))[0]?.code).toBe("wrong-rank");
});

test("lists are values: what one name pushes or pops, no other sees", () => {
  const body = [
    "let stack = [1, 2];",
    "const kept = stack;",
    "stack.push(3);",
    "const last = stack.pop();",
    "const first = kept.reversed()[1];",
    'require last == 3 && kept.length == 2 && stack.length == 2 && first == 1 && kept.reversed() == [2, 1], "lists";',
    "return x;",
  ].join("\n    ");
  expect(opsOf(graphOf(source("", body)))).toEqual([]);
});

test("records and lists of records drive repeat; tensors go through lists", () => {
  const declarations = "param levels: { width: int, twice: bool }[] = [{ width: 3, twice: true }, { width: 5, twice: false }];";
  const body = [
    "let h = x;",
    "let skips = [x];",
    "repeat level, i of levels as level {",
    "  h = h |> conv2d(level.width * (i + 1), kernel: 1) as conv;",
    "  if (level.twice) { h = h |> silu(); } else { h = h |> gelu(); }",
    "  skips.push(h);",
    "}",
    "return concat([skips.pop(), skips.pop(), skips.pop()], axis: 1);",
  ].join("\n    ");
  const graph = graphOf(source(declarations, body, "[1, 17, 8, 6]"));
  expect(opsOf(graph)).toEqual(["conv2d", "silu", "conv2d", "gelu", "concat"]);
});

test("require says its sentence and the values that it read", () => {
  const block =
    'block Cut<H, W>(x: Image<4, H, W>): Image<4, H, W> {\n  require H % 3 == 0 || W > 6, "the picture is cut in thirds";\n  return x;\n}';
  const [refusal, ...others] = refusals(source(block, "return Cut(x);"));
  expect(others).toEqual([]);
  expect(refusal?.code).toBe("requirement-failed");
  expect(refusal?.message).toBe("the picture is cut in thirds (H is 8, W is 6)");
  expect(refusals(source(block.replace("W > 6", "W == 6"), "return Cut(x);"))).toEqual([]);
});

test("what a test rules out is not evaluated", () => {
  const guarded =
    'const list = [1];\n    require list.length < 2 || list[1] == 1, "short";\n    return list.length > 1 ? x |> upsample(list[1]) : x;';
  expect(opsOf(graphOf(source("", guarded)))).toEqual([]);
});
