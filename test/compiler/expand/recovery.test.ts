// What is said after the first error of a graph: errors that do not follow from others, and those alone.

import { expect, test } from "vitest";
import { compile, shapeErrors } from "../../../compiler/compile.ts";
import { mostErrors } from "../../../dsl/index.ts";
import { programOf } from "./expanded.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";
const net = (body: string, blocks = "") => `${image}${blocks}
block Net<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {
  ${body}
}
model Tiny<H = 8> {
  graph run(x: Image<4, H, H>): Image<4, H, H> {
    return Net(x) as net;
  }
}
`;
const block = (name: string, body: string, result = "Image<C, H, W>") =>
  `block ${name}<C, H, W>(x: Image<C, H, W>): ${result} {\n  ${body}\n}\n`;

/** The texts under the errors, as check and build find them. */
function said(source: string): string[] {
  const program = programOf(source);
  const built = compile(program, { precision: "f32" });
  const texts = (found: readonly { span: { start: number; end: number } }[]) => found.map(({ span }) => source.slice(span.start, span.end));
  const checked = texts(shapeErrors(program, { precision: "f32" }));
  expect(built.ok ? [] : texts(built.diagnostics)).toEqual(checked);
  return checked;
}

const wider = "x |> conv2d(8, kernel: 1) as a";
const odd = (label: string) => `groupNorm(3) as ${label}`;

test("statements that do not read each other are all checked", () => {
  const two = `const a = x |> ${odd("a")};\n  const b = x |> ${odd("b")};\n  return x + a + b;`;
  expect(said(net(two))).toEqual(["3", "3"]);
});

test("what reads an unknown name is silent, through assignments, lists, branches and rounds", () => {
  const lists = "let s = [x];\n  s.push(h);\n  const last = s.pop();\n  const first = s.pop();\n  return last + first;";
  for (const rest of [
    "return h + (x |> conv2d(5, kernel: 1) as b) + h;",
    lists,
    "h = h |> silu();\n  return h;",
    "repeat 2 as round { h = h + (h |> conv2d(9, kernel: 1) as b); }\n  return h;",
    "if (C == 4) { h = h + h; }\n  return h |> upsample(2);",
  ]) {
    const found = said(net(`let h = x + (${wider});\n  ${rest}`));
    expect([rest, found]).toEqual([rest, ["x + (x |> conv2d(8, kernel: 1) as a)"]]);
  }
});

test("a name that is assigned anew is known again", () => {
  const body = `let h = x + (${wider});\n  h = x;\n  h = h |> ${odd("b")};\n  return h;`;
  expect(said(net(body))).toEqual(["x + (x |> conv2d(8, kernel: 1) as a)", "3"]);
});

test("a block that fails is taken at its word, so that others behind it are checked", () => {
  const blocks = block("First", `return x |> ${odd("a")};`) + block("Second", `return x |> groupNorm(5) as a;`);
  expect(said(net("return x |> First() as one |> Second() as two;", blocks))).toEqual(["3", "5"]);
  expect(said(net("const one = First(x) as one;\n  return one |> Second() as two;", blocks))).toEqual(["3", "5"]);
});

test("where its word may be what is wrong, nothing that leans on it is said", () => {
  // The block returns 8 channels and promises 4: the sum behind it is right.
  const kept = block("Twice", `return x |> conv2d(8, kernel: 1) as a;`);
  const sum = "return x + (x |> Twice() as one |> conv2d(4, kernel: 1) as two);";
  expect(said(net(sum, kept))).toEqual(["x |> conv2d(8, kernel: 1) as a"]);
  // It fails before it returns: its promise of 8 channels, or the sum, is wrong.
  const failed = block("Twice", `const n = x |> ${odd("a")};\n  return n |> conv2d(8, kernel: 1) as b;`, "Image<8, H, W>");
  expect(said(net("return x + (x |> Twice() as one);", failed))).toEqual(["3"]);
  expect(said(net("const one = Twice(x) as one;\n  const two = one |> silu();\n  return x + two;", failed))).toEqual(["3"]);
  expect(said(net("return x + (x |> Twice() as one) + (x |> Twice() as two);", failed))).toEqual(["3"]);
});

test("nothing behind a requirement that fails, or a branch that may return, is said", () => {
  expect(said(net(`require C == 5, "five";\n  return x |> ${odd("a")};`))).toEqual(["C == 5"]);
  expect(said(net(`const n = 7 / C;\n  if (n == 1) { return x; }\n  return x |> ${odd("a")};`))).toEqual(["7 / C"]);
  expect(said(net(`const n = 7 / C;\n  const y = x |> ${odd("a")};\n  return y * n;`))).toEqual(["7 / C", "3"]);
});

test("graphs of a model are all checked, and a weight that a broken graph loses is not told of", () => {
  const source = `${image}model Tiny {
  graph one(x: Image<4, 8, 8>): Image<4, 8, 8> { weight w: Image<4, 8, 8> = zeros; const y = x + w; return y |> ${odd("a")}; }
  graph two(x: Image<4, 8, 8>): Image<4, 8, 8> { return x |> groupNorm(5) as a; }
}
`;
  expect(said(source)).toEqual(["3", "5"]);
});

test("as many are told as are shown of a program, and what spends a budget ends the graph", () => {
  const many = Array.from({ length: 300 }, (_, i) => `const a${i} = x |> ${odd(`a${i}`)};\n  `).join("");
  expect(said(net(`${many}return x;`))).toHaveLength(mostErrors + 1);
  const endless = `const a = x |> ${odd("a")};\n  let h = x;\n  repeat 1000000 { h = h + x; }\n  return h + a;`;
  expect(said(net(endless))).toEqual(["3"]);
});
