// Sources that ask for more than any model needs: each is answered soon, by a graph or by one error, and `check` finds what a build would.

import { expect, test } from "vitest";
import { compile, shapeErrors } from "../../../compiler/compile.ts";
import { Budget } from "../../../compiler/expand/budget.ts";
import type { Choices, Setting } from "../../../compiler/expand/configure.ts";
import { PersistentList } from "../../../compiler/expand/persistent-list.ts";
import { choicesOf, filesOf } from "../../dsl/diagnostic-cases.ts";
import { expandCases } from "../../dsl/expand-cases.ts";
import { Random } from "../../dsl/random.ts";
import { checkFiles, checkText } from "../../dsl/sources.ts";
import { magicVideo, programOf } from "./expanded.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";
const net = (body: string, before = "") =>
  `${image}${before}block Net<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  ${body}\n}\nmodel Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return Net(x) as net;\n  }\n}\n`;

/** What is said of a source, by the check of shapes and by a build, each within seconds of this process's own time. */
function said(text: string, choices: Partial<Choices> = {}): readonly (readonly string[])[] {
  const start = process.cpuUsage();
  const { program, diagnostics } = checkText(text);
  if (program === undefined) return [diagnostics.map((diagnostic) => diagnostic.code)];
  const shapes = shapeErrors(program, { precision: "f32", ...choices });
  const compiled = compile(program, { precision: "f32", ...choices });
  const { user, system } = process.cpuUsage(start);
  expect(user + system).toBeLessThan(10_000_000);
  return [shapes, compiled.ok ? [] : compiled.diagnostics].map((found) => found.map((diagnostic) => diagnostic.code));
}

/** Found only once a graph is whole, or by a target. */
const later = ["no-text-graph", "nothing-invariant", "device-limit"];

test.each(Object.keys(expandCases).filter((code) => !later.includes(code)))("check finds %s as a build does", (code) => {
  for (const found of expandCases[code] ?? []) {
    const { program } = checkFiles(filesOf(found));
    if (program === undefined) throw new Error(`the case of ${code} does not check`);
    const compiled = compile(program, choicesOf(found));
    expect(shapeErrors(program, choicesOf(found)).map((diagnostic) => diagnostic.code)).toEqual(
      compiled.ok ? [] : compiled.diagnostics.map((diagnostic) => diagnostic.code),
    );
  }
});

test.each([
  ["pushes", "let l = [x];\n  repeat 99900 { l.push(x); }\n  return l.pop();"],
  ["pushes and reads in turn", "let l = [1];\n  let s = 0;\n  repeat i of 99900 { l.push(i); s = s + l[i]; }\n  return x;"],
  [
    "pushes, pops and keeps",
    "let l = [x];\n  repeat 49000 { l.push(x); }\n  repeat 49000 { const kept = l; l.push(x); const y = l.pop(); }\n  return l[0];",
  ],
  ["names that double", "let n = C;\n  repeat 50 { n = (n + n) / 2; }\n  return x |> conv2d(n, kernel: 1) as conv;"],
  ["names that grow", "let n = C;\n  repeat 90000 { n = n + 1 - 1; }\n  return x;"],
  ["axes that multiply", "let n = one;\n  repeat 90000 { n = n * one; }\n  return x;", "dim one = 1;\n"],
])("%s take linear time", (_, body, before = "") => expect(said(net(body, before))).toEqual([[], []]));

test("lists that share their parts are compared once a part", () => {
  const doubled = Array.from({ length: 28 }, (_, i) =>
    i === 0 ? "const a0 = [1, 1];\nconst b0 = [1, 1];\n" : `const a${i} = [a${i - 1}, a${i - 1}];\nconst b${i} = [b${i - 1}, b${i - 1}];\n`,
  );
  expect(said(net('require a27 == b27, "same";\n  return x;', doubled.join("")))).toEqual([[], []]);
  const other = doubled.join("").replace("const b0 = [1, 1]", "const b0 = [1, 2]");
  expect(said(net('require a27 == b27, "same";\n  return x;', other))).toEqual([["requirement-failed"], ["requirement-failed"]]);
});

test("records are equal by their fields", () => {
  const require = (test: string) => said(net(`const a = { n: [1], b: true };\n  require ${test}, "equal";\n  return x;`))[1];
  expect(require("a == { b: true, n: [1] }")).toEqual([]);
  expect(require("a != { b: true, n: [2] }")).toEqual([]);
  expect(require("a == { b: false, n: [1] }")).toEqual(["requirement-failed"]);
});

test.each([
  [
    "comparing growing lists",
    'let l = [1];\n  let m = [1];\n  repeat i of 50000 { l.push(i); m.push(i); require l == m, "same"; }\n  return x;',
  ],
  ["walking growing lists", "let l = [1];\n  repeat i of 50000 { l.push(i); repeat a of l { const b = a; } }\n  return x;"],
  ["joining growing lists", "let l = [x];\n  repeat 50000 { l.push(x); const y = concat(l, axis: 1); }\n  return x;"],
  ["passing growing lists", "let l = [1];\n  let h = x;\n  repeat i of 50000 { l.push(i); h = Take(h, l); }\n  return h;"],
])("%s ends in one error", (_, body) => {
  const take = "block Take<C, H, W>(x: Image<C, H, W>, l: int[]): Image<C, H, W> {\n  return x;\n}\n";
  expect(said(net(body, take))).toEqual([["too-large"], ["too-large"]]);
});

test("a chain of consts longer than the stack is an error where it is read", () => {
  const chain = Array.from({ length: 5000 }, (_, i) => `const a${i} = a${i + 1} + 1;\n`).join("");
  expect(said(net('require a0 > 1, "chain";\n  return x;', `${chain}const a5000 = 1;\n`))).toEqual([["too-large"], ["too-large"]]);
});

test("all presets together have a budget", () => {
  const program = programOf(net("repeat 99000 { const a = 1 + C * H * W; }\n  return x;"));
  const budget = new Budget();
  let codes: string[] = [];
  for (let round = 0; round < 100 && codes.length === 0; round++) {
    codes = shapeErrors(program, { precision: "f32", settings: { H: round + 1 } }, { budget }).map((diagnostic) => diagnostic.code);
  }
  expect(codes).toEqual(["too-large"]);
});

const nested = (depth: number): Setting => Array.from({ length: depth }).reduce<Setting>((inner) => [inner], 1);
const sizes = [
  0,
  -0,
  -1,
  1.5,
  1e308,
  -1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 53),
  100_000,
];

test.each(["F", "H", "L", "vocabulary", "units", "groups", "heads"])("%s of any size is one error within seconds", (name) => {
  const program = magicVideo();
  for (const size of sizes) {
    const start = process.cpuUsage();
    const found = shapeErrors(program, { preset: "Mini", precision: "f32", settings: { [name]: size } });
    const compiled = compile(program, { preset: "Mini", precision: "f32", settings: { [name]: size } });
    const { user, system } = process.cpuUsage(start);
    expect(user + system, `${name}=${size}`).toBeLessThan(10_000_000);
    expect(found.length > 0, `${name}=${size}`).toBe(!compiled.ok);
    if (!Number.isSafeInteger(size) || size < 0 || size > 2 ** 31) expect(compiled.ok, `${name}=${size}`).toBe(false);
  }
});

test.each([
  ["levels", nested(100_000)],
  ["levels", Array.from({ length: 100_000 }, () => 1)],
  ["vaeWidths", Array.from({ length: 100_000 }, () => 1)],
  ["F", null as unknown as Setting],
  ["F", { __proto__: 1 } as unknown as Setting],
  ["tokenizerFile", "x".repeat(1_000_000)],
  ["eta", Number.NaN],
])("a setting of %s that JSON can say is taken or refused", (name, value) => {
  const result = compile(magicVideo(), { preset: "Mini", precision: "f32", settings: { [name]: value } });
  for (const { message } of result.ok ? [] : result.diagnostics) expect(message.length).toBeLessThan(400);
  expect(result.ok).toBe(name === "tokenizerFile");
});

test("persistent lists are what arrays are, whatever is kept of them", () => {
  const random = new Random(7);
  let kept: [PersistentList<number>, readonly number[]][] = [[PersistentList.of([]), []]];
  for (let step = 0; step < 3000; step++) {
    const [list, array] = random.pick(kept);
    const grown = random.below(3) > 0;
    const next: [PersistentList<number>, readonly number[]] = grown
      ? [list.push(step), [...array, step]]
      : [list.pop(), array.slice(0, -1)];
    kept = [...kept.slice(-40), next];
  }
  for (const [list, array] of kept) {
    expect(list.items).toEqual(array);
    expect(Array.from({ length: array.length + 2 }, (_, i) => list.at(i - 1))).toEqual([undefined, ...array, undefined]);
  }
});
