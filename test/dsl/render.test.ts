// Diagnostics as text: places, the underline under tabs, several lines and long ones, what comes after, counts and colours.

import { expect, test } from "vitest";
import { type Diagnostic, nearest, placeOf, renderAll, renderDiagnostic } from "../../dsl/index.ts";

const file = "a.mv";
function diagnostic(text: string, marked: string, more: Partial<Diagnostic> = {}): [Diagnostic, ReadonlyMap<string, string>] {
  const start = text.indexOf(marked);
  const span = { file, start, end: start + marked.length };
  return [{ code: "some-code", severity: "error", message: "what is wrong", span, ...more }, new Map([[file, text]])];
}

test("code, place, sentence, line, hint, and where it came from", () => {
  const text = "dim A = 1;\nconst b = A + C;\n";
  const related = [{ message: "expanded from Net", span: { file, start: 4, end: 5 } }];
  expect(renderDiagnostic(...diagnostic(text, "C", { hint: "write `B`", related }))).toBe(
    [
      "error some-code  a.mv:2:15",
      "  what is wrong",
      "2 | const b = A + C;",
      "  |               ^",
      "  hint: write `B`",
      "  expanded from Net at a.mv:1:5",
    ].join("\n"),
  );
});

test("a span of several lines is underlined to the end of its first", () => {
  expect(
    renderDiagnostic(...diagnostic("x = f(\n  a,\n);\n", "f(\n  a,\n)"))
      .split("\n")
      .slice(2),
  ).toEqual(["1 | x = f(", "  |     ^^"]);
});

test("tabs before the underline stay tabs", () => {
  expect(
    renderDiagnostic(...diagnostic("\t\treturn y;\r\n", "y"))
      .split("\n")
      .slice(2),
  ).toEqual(["1 | \t\treturn y;", "  | \t\t       ^"]);
});

test("line numbers of two digits keep the bars in one column", () => {
  const text = `${"\n".repeat(9)}bad;\n`;
  expect(
    renderDiagnostic(...diagnostic(text, "bad"))
      .split("\n")
      .slice(2),
  ).toEqual(["10 | bad;", "   | ^^^"]);
});

test("of a long line the part around the underline is shown", () => {
  const text = `const l = [${"1, ".repeat(200)}bad, ${"2, ".repeat(200)}];\n`;
  const [, , source = "", carets = ""] = renderDiagnostic(...diagnostic(text, "bad")).split("\n");
  expect(source.length).toBeLessThan(170);
  expect(source.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("bad");
  expect(source.slice(4, 5)).toBe("…");
  expect(source.at(-1)).toBe("…");
});

test("at the end of the text one caret stands behind the last character", () => {
  const [found, texts] = diagnostic("dim", "dim");
  expect(
    renderDiagnostic({ ...found, span: { file, start: 3, end: 3 } }, texts)
      .split("\n")
      .slice(2),
  ).toEqual(["1 | dim", "  |    ^"]);
});

test("a file that could not be read has no line", () => {
  const [found] = diagnostic("x", "x");
  expect(renderDiagnostic({ ...found, span: { file, start: 0, end: 0 } }, new Map())).toBe("error some-code  a.mv\n  what is wrong");
});

test("all are counted, errors and warnings apart", () => {
  const [error, texts] = diagnostic("x", "x");
  const warning: Diagnostic = { ...error, severity: "warning" };
  expect(renderAll([error], texts).split("\n").at(-1)).toBe("1 error");
  expect(renderAll([error, warning, error], texts).split("\n").at(-1)).toBe("2 errors, 1 warning");
});

test("colours come from the painter, and only from it", () => {
  const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const colours = { red: mark("red"), yellow: mark("yellow"), cyan: mark("cyan"), bold: mark("bold"), dim: mark("dim") };
  const rendered = renderDiagnostic(...diagnostic("x", "x", { hint: "h" }), { colours });
  expect(rendered).toContain("<red>error</red> <bold>some-code</bold>  a.mv:1:1");
  expect(rendered).toContain("<red>^</red>");
  expect(rendered).toContain("<cyan>hint:</cyan> h");
});

test("places count from one", () => {
  expect(placeOf("ab\ncd", 0)).toEqual({ line: 1, column: 1 });
  expect(placeOf("ab\ncd", 2)).toEqual({ line: 1, column: 3 });
  expect(placeOf("ab\ncd", 3)).toEqual({ line: 2, column: 1 });
});

test.each([
  ["sliu", "silu"],
  ["sil", "silu"],
  ["Silu", "silu"],
  ["conv2", "conv2d"],
  ["groupnrom", "groupNorm"],
  ["integer", "int"],
  ["f", "F"],
  ["attention", undefined],
  ["y", undefined],
  ["", undefined],
])("did you mean: %s → %s", (name, expected) => {
  expect(nearest(name, ["silu", "gelu", "conv2d", "groupNorm", "int", "F", "C"])).toBe(expected);
});
