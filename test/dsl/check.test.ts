// What a checked program is: names resolved across files, stages that stop, and nothing said of what is right.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkFiles, checkText, modelNames, models } from "./sources.ts";

const codes = (text: string) => checkText(text).diagnostics.map((diagnostic) => diagnostic.code);
const block = (body: string, head = "x: Tensor<float, [C]>") =>
  `block Net<C${head.includes("[S]") ? ", S" : ""}>(${head}): Tensor<float, [C]> {\n${body}\n}\n`;

test.each(modelNames)("models/%s has no errors", (name) => {
  const files = new Map([[name, models.get(name) ?? ""], ...models]);
  const { program, diagnostics } = checkFiles(files);
  // A file of layouts alone says that the model's are not there.
  expect(diagnostics.map(({ code }) => code)).toEqual(name === "layouts.mv" ? ["unread-layouts"] : []);
  expect(program?.entry).toBe(name);
});

test("names of a file are its own and those it imports, each with the file that declares it", () => {
  const { program } = checkFiles(new Map([["magicvideo.mv", models.get("magicvideo.mv") ?? ""], ...models]));
  const names = program?.files.get("magicvideo.mv")?.names;
  expect(names?.get("UNet")).toMatchObject({ file: "magicvideo.mv", declaration: { kind: "block" } });
  expect(names?.get("Time")).toMatchObject({ file: "video.mv", declaration: { kind: "block" } });
  expect(names?.get("videoVae")).toMatchObject({ file: "vae.mv", declaration: { kind: "param" } });
  expect(names?.has("VaeRes")).toBe(false);
  expect([...(program?.files.keys() ?? [])].sort()).toEqual([...modelNames].sort());
});

describe("what is right is let pass", () => {
  test.each([
    ["an int where a float is wanted", "param guidance: float = 7;"],
    ["an empty list of any kind", "param widths: int[] = [];"],
    ["a literal of two unions", 'param a: "x" | "y" = "x";\nconst b = a == "y" ? 1 : 2;'],
    ["text as a string", 'param a: "x" | "y" = "x";\nparam b: string = "z";\nconst c = a == b;'],
    ["a const of records", "const levels = [{ width: 1, attends: true }, { attends: false, width: 2 }];\ndim W = levels[0].width;"],
    [
      "records of other texts",
      'param mode: "a" | "b" = "a";\nconst levels = [{ mode: "a", of: ["x"] }, { of: ["y", "z"], mode: "b" }];\nconst first = mode == levels[0].mode;',
    ],
    ["a type that names lists and records", "type Level = { width: int };\nparam levels: Level[] = [{ width: 1 }];"],
    ["a later declaration", "const a = b;\nconst b = 1;"],
    ["a diamond of imports of types", "type A = int[];\ntype B = { a: A, b: A };\nparam p: B = { a: [1], b: [] };"],
  ])("%s", (_, text) => expect(codes(text)).toEqual([]));

  test.each([
    ["the same label in the branches of an `if`", "if (C == 4) { return x |> linear(C) as l; }\nelse { return x |> linear(C) as l; }"],
    ["the same label in the branches of `?:`", "return C == 4 ? x |> linear(C) as l : x |> linear(2 * C) as l;"],
    [
      "the same label inside and outside a labelled repeat",
      "let h = x |> linear(C) as l;\nrepeat 2 as unit { h = h |> linear(C) as l; }\nreturn h;",
    ],
    ["a variable that a later round reads", "let h = x;\nlet n = 1;\nrepeat 2 { h = h * n; n = n + 1; }\nreturn h;"],
    ["a tensor that is there for the size of an axis", "return x * S;", "x: Tensor<float, [C]>, like: Tensor<float, [S]>"],
    ["a list that is pushed to and read", "let l = [x];\nl.push(x);\nreturn l[1];"],
    [
      "a parameter that only a type reads",
      "weight w: Tensor<float, [wide]> = ones;\nreturn x * w;",
      "x: Tensor<float, [C]>, wide: int = 1",
    ],
    ["a repeat without a label that owns nothing", "let h = x;\nrepeat 2 { h = h |> silu(); }\nreturn h;"],
    ["a list that starts empty", "let l = [];\nl.push(x);\nreturn l.pop();"],
    ["one name in bodies that stand side by side", "if (C == 4) { const y = 2 * x; return y; }\nconst y = x;\nreturn y;"],
    ["arguments by name in any order", "return linear(out: C, x: x) as l;"],
    ["a returned `if` of three branches", "if (C == 1) { return x; } else if (C == 2) { return 2 * x; } else { return 3 * x; }"],
    ["forms by name", "return view(axes: [C], x: x);"],
  ])("%s", (_, body, head = undefined) => expect(codes(block(body, head))).toEqual([]));

  test("a block that is used before it is declared, in its own file's scope", () => {
    expect(codes(`${block("return x |> Later();").replace("Net", "First")}${block("return x;").replace("Net", "Later")}`)).toEqual([]);
  });
});

describe("stages", () => {
  test("all errors of a stage are said, in the order of the source", () => {
    const text = block("const a = y;\nconst b = z;\nreturn x |> sliu() |> linear() as l;");
    expect(codes(text)).toEqual(["unknown-name", "unknown-name", "unknown-call", "missing-argument"]);
  });

  test("beside a syntax error, names that can be read are looked at", () => {
    expect(codes(`dim A = B;\ndim C = ;\n`)).toEqual(["unknown-name", "unexpected-token"]);
  });

  test("labels are looked at when the names are right", () => {
    expect(codes(block("return y |> linear(C);"))).toEqual(["unknown-name"]);
    expect(codes(block("return x |> linear(C);"))).toEqual(["missing-label"]);
  });

  test("a norm whose weights are switched off needs no label; one that may have them does", () => {
    expect(codes(block("return x |> layerNorm(affine: false) |> rmsNorm(eps: 1e-5, affine: false);"))).toEqual([]);
    expect(codes(block("return x |> rmsNorm(1e-5, false) |> layerNorm(1e-5, affine: false);"))).toEqual([]);
    expect(codes(block("return layerNorm(x, 1e-5, false);"))).toEqual([]);
    expect(codes(block("return layerNorm(x, 1e-5, true);"))).toEqual(["missing-label"]);
    expect(codes(block("return x |> layerNorm(affine: true);"))).toEqual(["missing-label"]);
    expect(codes(block("return x |> rmsNorm(affine: C < 4);"))).toEqual(["missing-label"]);
    expect(codes(block("return x |> linear(C, bias: false);"))).toEqual(["missing-label"]);
  });

  test("errors of imported files are said with their file, once", () => {
    const files = new Map([
      ["a.mv", 'import { B } from "./b.mv";\nimport { C } from "./c.mv";\n'],
      ["b.mv", 'import { C } from "./c.mv";\ndim B = C;\n'],
      ["c.mv", "dim C = X;\n"],
    ]);
    expect(checkFiles(files).diagnostics.map(({ code, span }) => [code, span.file])).toEqual([["unknown-name", "c.mv"]]);
  });

  test("one wrong name is one error, whatever depends on it", () => {
    expect(codes(block("const a = y;\nconst b = a + 1;\nlet c = [b];\nc.push(x);\nif (a) { return b; }\nreturn c[0] |> silu();"))).toEqual([
      "unknown-name",
    ]);
  });
});

test("imports in folders are resolved from the file that imports", () => {
  const files = new Map([
    ["main.mv", 'import { A } from "./parts/a.mv";\ndim M = A;\n'],
    ["parts/a.mv", 'import { B } from "../shared/b.mv";\ndim A = B;\n'],
    ["shared/b.mv", "dim B = 2;\n"],
  ]);
  const { program, texts } = checkFiles(files);
  expect([...(program?.files.keys() ?? [])]).toEqual(["shared/b.mv", "parts/a.mv", "main.mv"]);
  expect(texts.size).toBe(3);
});

test("the models' goldens are built from files of which all is used", () => {
  for (const name of ["blocks.mv", "wide.mv"]) {
    const entry = `golden/cases/${name}`;
    const files = new Map([...models].map(([file, text]) => [`models/${file}`, text]));
    expect(checkFiles(new Map([[entry, readFileSync(entry, "utf8")], ...files])).diagnostics).toEqual([]);
  }
});
