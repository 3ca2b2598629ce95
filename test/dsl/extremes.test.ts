// Texts that are long, deep, wide or noise: each is read or refused within seconds, and nothing overflows the stack.

import { expect, test } from "vitest";
import { compile, shapeErrors } from "../../compiler/compile.ts";
import { format, parse, renderAll } from "../../dsl/index.ts";
import { checkText } from "./sources.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";
const net = (body: string, before = "") =>
  `${image}${before}block Net<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  ${body}\n}\nmodel Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return Net(x)${body.includes(" as ") ? " as net" : ""};\n  }\n}\n`;
const many = (count: number, item: (i: number) => string, between = "\n") => Array.from({ length: count }, (_, i) => item(i)).join(between);

/** The codes that are said, none twice; every stage that the text reaches has run. */
function said(text: string): string[] {
  const start = process.cpuUsage();
  const { program, diagnostics, texts } = checkText(text);
  renderAll(diagnostics, texts);
  const codes = diagnostics.map((diagnostic) => diagnostic.code);
  const source = program?.files.get("test.mv")?.source;
  if (program !== undefined && source !== undefined) {
    const again = parse("test.mv", format(source));
    expect(again.diagnostics).toEqual([]);
    const found = shapeErrors(program, { precision: "f32" });
    const compiled = compile(program, { precision: "f32" });
    codes.push(...found.map((diagnostic) => diagnostic.code));
    expect(compiled.ok).toBe(found.length === 0);
  }
  // Time of this process alone, with room for a slow machine: what hangs takes minutes.
  const { user, system } = process.cpuUsage(start);
  expect(user + system).toBeLessThan(10_000_000);
  return [...new Set(codes)];
}

const deep = 90_000;
test.each<[string, string]>([
  ["parentheses", `dim F = ${"(".repeat(deep)}1${")".repeat(deep)};`],
  ["minus signs", `dim F = ${"-".repeat(deep)}1;`],
  ["powers", `dim F = ${"2 ** ".repeat(deep / 2)}1;`],
  ["powers of lists", `const l = ${"[2 ** ".repeat(50)}${"2 ** ".repeat(399)}1${"]".repeat(50)};`],
  ["powers of records, where braces follow each other", `const l = ${"{ } ** ".repeat(20_000)}1;`],
  ["sums", net(`return ${"x + ".repeat(deep / 2)}x;`)],
  ["pipes with commas", net(`return x${" |> upsample(1,)".repeat(9000)};`)],
  ["conditionals", `dim F = ${"true ? 1 : ".repeat(20_000)}1;`],
  ["alternatives", net(`${"if (true) { } else ".repeat(9000)}{ }\n  return x;`)],
  ["branches", net(`${"if (true) { ".repeat(9000)}${"}".repeat(9000)}\n  return x;`)],
  ["members", `const l = a${".b".repeat(40_000)};`],
  ["indices", `const l = a${"[0]".repeat(40_000)};`],
  ["list types", `param p: int${"[]".repeat(deep)} = [];`],
  ["record types", `type T = ${"{ a: ".repeat(20_000)}int${"}".repeat(20_000)};`],
  ["closing braces", "}".repeat(deep)],
])("%s without end are too deep", (_, text) => {
  const codes = said(text);
  expect(codes).toHaveLength(1);
  expect(["too-deep", "unexpected-token"]).toContain(codes[0]);
});

test.each<[string, string, string]>([
  ["a name", `dim ${"F".repeat(1_000_000)} = 1;`, "too-long"],
  ["a string", `param p: string = "${"a".repeat(1_000_000)}";`, "too-long"],
  ["a comment of another language", `dim F = 1; /*${" *".repeat(500_000)}`, "block-comment"],
  ["an open string", `param p: string = "${"\\".repeat(1_000_000)}`, "unclosed-string"],
  ["a number", `const f = 1.${"1".repeat(1_000_000)};`, "too-long"],
  ["a file of noise", "@ ".repeat(200_000), "too-many-errors"],
  ["a file of emoji", "😀".repeat(200_000), "stray-character"],
  ["a file of quotes", '"'.repeat(100_000), "unexpected-token"],
  ["a file of words", "block ".repeat(100_001), "too-long"],
  ["a file of lists", `const l = [${"1, ".repeat(100_001)}];`, "too-long"],
  ["a file of unknown names", many(20_000, (i) => `dim F${i} = unknown${i};`), "too-many-errors"],
  ["a long line", `//${" long".repeat(500_000)}`, "too-long"],
])("%s is said once or not often", (_, text, code) => expect(said(text)).toContain(code));

test.each<[string, string]>([
  ["comments", "/// a\n".repeat(100_000)],
  ["documented dims", many(10_000, (i) => `/// above\ndim F${i} = 1; /// behind`)],
  ["spaces and lines", `${" ".repeat(500_000)}${"\n".repeat(500_000)}`],
  ["a list", `const l = [${"1, ".repeat(90_000)}];`],
  ["a list of texts", `const l = [${many(40_000, (i) => `"${i}"`, ", ")}];`],
  ["a record type", `type T = { ${many(20_000, (i) => `a${i}: int`, ", ")} };`],
  ["a chain of types", `${many(25, (i) => `type A${i} = A${i + 1}[];`)}\ntype A25 = int;`],
  ["a chain of consts", `const a0 = 1;\n${many(9000, (i) => `const a${i + 1} = a${i} + 1;`)}`],
  ["a chain of consts from its end", `${many(9000, (i) => `const a${i} = a${i + 1} + 1;`)}\nconst a9000 = 1;`],
  [
    "records that share their parts",
    `const a0 = { x: 1, y: 1 };\nconst b0 = { x: 1, y: 1 };\n${many(29, (i) => `const a${i + 1} = { x: a${i}, y: a${i} };\nconst b${i + 1} = { x: b${i}, y: b${i} };`)}\nconst c = true ? a29 : b29;`,
  ],
])("%s of any length is read", (_, text) => expect(said(text)).toEqual(["no-model"]));

test.each<[string, string, string[]?]>([
  ["statements", net(`let n = 1;\n  ${"n = n + 1;\n  ".repeat(12_000)}return x * n;`)],
  ["labels in branches", net(`let h = x;\n  ${many(3000, (i) => `if (true) { h = h |> conv2d(C, kernel: 1) as c${i}; }`)}\n  return h;`)],
  [
    "parameters and calls",
    net(
      `let h = x;\n  ${"h = Wide(h);\n  ".repeat(60)}return h;`,
      `block Wide<C, H, W>(x: Image<C, H, W>, ${many(8000, (i) => `a${i}: int = 1`, ", ")}): Image<C, H, W> {\n  return x;\n}\n`,
    ),
    ["unused-value", "too-many-warnings"],
  ],
  [
    "bodies within each other",
    net(
      `let h = x;\n  ${"if (true) { repeat 1 { ".repeat(70)}h = ${"silu(true ? h : ".repeat(57)}h${" + h".repeat(40)}${")".repeat(57)};${" } }".repeat(70)}\n  return h;`,
    ),
  ],
])("%s by the thousand are expanded", (_, text, warnings = []) => expect(said(text)).toEqual(warnings));

test("a chain of blocks longer than the stack is refused where it is too deep", () => {
  const link = (i: number, body: string) => `block N${i}<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return ${body};\n}\n`;
  const chain = `${many(3000, (i) => link(i, `x |> N${i + 1}()`), "")}${link(3000, "x")}`;
  expect(said(net("return x |> N0();", chain))).toEqual(["too-large"]);
});
