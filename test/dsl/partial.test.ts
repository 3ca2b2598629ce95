// Errors beside syntax errors: each declaration and statement by itself, and nothing that follows from what could not be read.

import { expect, test } from "vitest";
import { checkFiles, checkText, models } from "./sources.ts";

/** Codes with the text under each. */
function said(text: string): (readonly [string, string])[] {
  const { program, diagnostics } = checkText(text);
  expect(program).toBeUndefined();
  return diagnostics.map(({ code, span }) => [code, text.slice(span.start, span.end)] as const);
}
const block = (name: string, body: string) => `block ${name}<C>(x: Tensor<float, [C]>): Tensor<float, [C]> {\n  ${body}\n}\n`;

test("other declarations are checked", () => {
  expect(said(`dim A = ;\ndim B = missing;\n${block("Net", "return y;")}`)).toEqual([
    ["unexpected-token", ";"],
    ["unknown-name", "missing"],
    ["unknown-name", "y"],
  ]);
});

test.each<[string, string]>([
  ["a dim", `dim A = ;\nconst b = A * 2;\n`],
  ["one with a misspelt word", `dim B = 1;\ndmi A = 3;\nconst b = A * B;\n`],
  ["one with a stray character", `dim A = 3 @;\nconst b = A * 2;\n`],
  ["a string that is not closed", `param A: string = "a;\nconst b = A == "b";\n`],
  ["a type", `type Row<C> = Tensor<float C>;\nblock Net<C>(x: Row<C>): Row<C> { return x; }\n`],
  ["a block's head", `block Net<C>(x Tensor<float, [C]>) { return x; }\n${block("Outer", "return Net(x, 1) as net;")}`],
  ["a block's body", `${block("Net", "return x +;")}${block("Outer", "return Net(x) as net;")}`],
  ["an import", `import { A, B } "./a.mv";\nconst b = A * B;\n`],
  ["a model", `dim B = 1;\nmodel Net<H = 8> { const a = ; }\npreset Mini of Net { H: 4, other: 3 }\n`],
])("what uses %s that cannot be read is no error", (_, text) => {
  expect(said(text)).toHaveLength(1);
});

test("a block's signature is known, where only its body cannot be read", () => {
  expect(said(`${block("Net", "return x +;")}${block("Outer", "return Net(x, 1) as net;")}`)).toEqual([
    ["unexpected-token", ";"],
    ["too-many-arguments", "1"],
  ]);
});

test("statements of a body are read one by one", () => {
  const body = "const a = x +;\n  const b = x;\n  let c = x x;\n  const d = x\n  retrun b;";
  expect(said(block("Net", body))).toEqual([
    ["unexpected-token", ";"],
    ["unexpected-token", "x"],
    ["missing-semicolon", "x"],
    ["misspelt-keyword", "retrun"],
  ]);
  const nested = "if (true) { const a = ; }\n  repeat 2 as round { x |> ; }\n  return x;";
  expect(said(block("Net", nested))).toHaveLength(2);
});

test("what a bracket leaves open is one error", () => {
  expect(said(block("Net", "const a = silu(x;\n  const b = relu(a);\n  return b;"))).toHaveLength(1);
  expect(said(block("Net", "if (true) {\n  return x;"))).toHaveLength(1);
  expect(said(block("Net", "const a = [x, x;\n  return x;"))).toHaveLength(1);
});

test("an import that leads nowhere hides nothing, and what it was to bring is no error", () => {
  const text = 'import { A, B } from "./gone.mv";\nimport { C, D } from "./there.mv";\nconst e = A + B + C + D + E;\n';
  const there = "dim C = 1;\ndim D = ;\n";
  const { diagnostics } = checkFiles(
    new Map([
      ["test.mv", text],
      ["there.mv", there],
    ]),
  );
  expect(diagnostics.map(({ code, span }) => [code, span.file])).toEqual([
    ["unexpected-token", "there.mv"],
    ["missing-file", "test.mv"],
    ["unknown-name", "test.mv"],
  ]);
});

test("a mark that the models lack is one error", () => {
  const files = [...models].reverse();
  for (const [name, text] of files) {
    for (const { index } of text.matchAll(/[;(){}[\],]/g)) {
      if (text.slice(text.lastIndexOf("\n", index) + 1, index).includes("//") || index % 9 !== 0) continue;
      const broken = text.slice(0, index) + text.slice(index + 1);
      const { diagnostics } = checkFiles(new Map(files.map(([other, own]) => [other, other === name ? broken : own])));
      const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
      // A list may end in a comma, and need not.
      const optional = /^,\s*[}\])]/.test(text.slice(index));
      expect([broken.slice(index - 20, index + 20), errors]).toEqual([
        broken.slice(index - 20, index + 20),
        optional ? [] : [expect.any(String)],
      ]);
    }
  }
});
