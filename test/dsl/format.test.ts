// The formatter: its style on odd sources, the models as fixed points, and no comment lost or moved past what it speaks of.

import { describe, expect, test } from "vitest";
import { format } from "../../dsl/index.ts";
import { modelNames, models, parsed, shapeOf } from "./sources.ts";

/** Formats, and holds the result to what every result must be: the same tree and comments, and a fixed point. */
function formatted(text: string): string {
  const source = parsed(text);
  const once = format(source);
  const again = parsed(once);
  expect(shapeOf(again)).toEqual(shapeOf(source));
  expect(again.comments.map((comment) => comment.text)).toEqual(source.comments.map((comment) => comment.text.trimEnd()));
  expect(format(again)).toBe(once);
  return once;
}

test.each(modelNames)("models/%s is formatted", (name) => {
  const text = models.get(name) ?? "";
  expect(formatted(text)).toBe(text);
});

test.each(modelNames)("models/%s without its line breaks has the same tree, within the width", (name) => {
  const text = (models.get(name) ?? "").replace(/\/\/[^\n]*/g, "").replace(/\s+/g, " ");
  const result = formatted(text);
  expect(result.split("\n").filter((line) => line.length > 140)).toEqual([]);
});

const wrap = (body: string) => `block Net<C>(x: Tensor<float, [C]>): Tensor<float, [C]> {\n${body}\n}\n`;
/** The formatted lines of a body, without its indent. */
function body(text: string): string {
  const lines = formatted(wrap(text)).split("\n").slice(1, -2);
  return lines.map((line) => line.replace(/^ {2}/, "")).join("\n");
}

describe("spaces and brackets", () => {
  test.each([
    ["const   y=a+b*c;", "const y = a + b * c;"],
    ["const y = ((a + (b * c)));", "const y = a + b * c;"],
    ["const y = (a + b) * c - (d - e);", "const y = (a + b) * c - (d - e);"],
    ["const y = (2 ** 3) ** 2 ** (1);", "const y = (2 ** 3) ** 2 ** 1;"],
    ["const y = (-2) ** 2 + (-(2 ** 2));", "const y = (-2) ** 2 + -2 ** 2;"],
    ["const y = !(a && b) || (c && d);", "const y = !(a && b) || c && d;"],
    ["const y = (a ? b : c) ? d : (e ? f : g);", "const y = (a ? b : c) ? d : e ? f : g;"],
    ["const y = (h + s) |> f( ) as l;", "const y = (h + s) |> f() as l;"],
    ["const y = (f(x) as l) * 2;", "const y = (f(x) as l) * 2;"],
    ["const y = f(x) as l * 2;", "const y = (f(x) as l) * 2;"],
    ["const y = 2 * (f(x) as l);", "const y = 2 * f(x) as l;"],
    ["const y = x + (x |> f() as l);", "const y = x + (x |> f() as l);"],
    ['const y = { a:1,b :"q\\"\\\\\\n" , };', 'const y = { a: 1, b: "q\\"\\\\\\n" };'],
    ["let y = [ 1,2 , 3, ];", "let y = [1, 2, 3];"],
    ["const y = {};", "const y = {};"],
    ["l . push( x ) ;", "l.push(x);"],
    ["repeat  a,i  of l . reversed( ) as  down{ }", "repeat a, i of l.reversed() as down {}"],
    ['const y = f(x) as  tied   "a.{ i+1 }" ;', 'const y = f(x) as tied "a.{ i+1 }";'],
    ['const y = f(x) as "a.{i}" * 2;', 'const y = (f(x) as "a.{i}") * 2;'],
    ['repeat i of 2 as  "a{i}"{ }', 'repeat i of 2 as "a{i}" {}'],
    ["repeat 2 as tied a{ }", "repeat 2 as tied a {}"],
    ["repeat (f(x) as l) as m { }", "repeat (f(x) as l) as m {}"],
    ["if(a){return x;}else{return y;}", "if (a) { return x; } else { return y; }"],
    ["if (a) { return x; } else if (b) { return y; }", "if (a) { return x; } else if (b) { return y; }"],
    ["weight w :Tensor< float,[ C ,2*C ] > =normal( 0.02 );", "weight w: Tensor<float, [C, 2 * C]> = normal(0.02);"],
    ["const y = Both( x )as l;", "const y = Both(x) as l;"],
    ['require a==b,"must be";', 'require a == b, "must be";'],
  ])("%s", (text, expected) => expect(body(text)).toBe(expected));

  test("one blank line stays, several become one, none are made", () => {
    expect(formatted("\n\ndim A = 1;\n\n\n\ndim B = 2;\ndim C = 3;\n\n")).toBe("dim A = 1;\n\ndim B = 2;\ndim C = 3;\n");
    expect(body("\n\nconst a = 1;\n\n\nconst b = 2;\n\n")).toBe("const a = 1;\n\nconst b = 2;");
  });

  test("Windows' line ends become line feeds", () => {
    expect(formatted("// a\r\ndim A = 1;  // b\r\n\r\ndim B = 2;\r\n")).toBe("// a\ndim A = 1;  // b\n\ndim B = 2;\n");
  });
});

describe("layouts", () => {
  test("are one line if the author had them so, and strings stay as they are written", () => {
    const text = 'layout a ,b of  Net{norm :"n" , "x.{ i }":"y.{i+1}"|"z" rows 0  of n*3 as[ _ ,1 ],drop:[ "a", "b." , ],}';
    const expected = 'layout a, b of Net { norm: "n", "x.{ i }": "y.{i+1}" | "z" rows 0 of n * 3 as [_, 1], drop: ["a", "b."] }\n';
    expect(formatted(text)).toBe(expected);
    expect(formatted('import   layouts from "./a.mv" ;')).toBe('import layouts from "./a.mv";\n');
    expect(formatted("layout a of Net{}")).toBe("layout a of Net {}\n");
  });

  test("keep their lines and comments", () => {
    const text = 'layout a of Net {\n  // first\n  norm: "n", conv: "c",  // behind\n  drop: [\n    "a",\n    // last\n  ],\n}\n';
    expect(formatted(text)).toBe(text.replace('"n", conv', '"n",\n  conv'));
  });

  test("long spellings break before each `|`", () => {
    const keys = Array.from({ length: 6 }, (_, i) => `"a.long.key.of.a.checkpoint.number.${i}"`);
    const lines = formatted(`layout a of Net {\n  "some.path": ${keys.join(" | ")},\n}`).split("\n");
    expect(lines.slice(1, 4)).toEqual([`  "some.path": ${keys[0]}`, `    | ${keys[1]}`, `    | ${keys[2]}`]);
  });
});

describe("lines that are too long, or that the author broke", () => {
  const long = "aVeryLongNameOfAnOpThatTakesMuchRoomOnItsLine";

  test("a long pipe breaks before each `|>`", () => {
    const text = `const y = x |> ${long}(1) as first |> ${long}(2) as second |> ${long}(3) as third;`;
    expect(body(text)).toBe(`const y = x\n  |> ${long}(1) as first\n  |> ${long}(2) as second\n  |> ${long}(3) as third;`);
  });

  test("the author's breaks in a pipe stay", () => {
    expect(body("const y = x\n     |> f() |> g()\n |> h();")).toBe("const y = x\n  |> f() |> g()\n  |> h();");
  });

  test("a long list is filled, one whose first item begins a line keeps its lines", () => {
    const items = Array.from({ length: 40 }, (_, i) => 1000 + i);
    const lines = formatted(`const l = [${items.join(", ")}];`).split("\n");
    expect(lines[0]).toBe("const l = [");
    expect(lines[1]?.length).toBeGreaterThan(120);
    expect(lines.at(-2)).toBe("];");
    expect(formatted("const l = [\n1, 2,\n  3];")).toBe("const l = [\n  1, 2,\n  3,\n];\n");
    expect(formatted("const l = [1,\n2,\n  3];")).toBe("const l = [1, 2, 3];\n");
  });

  test("long parameters stand one a line, as do those that the author broke", () => {
    const parameters = Array.from({ length: 12 }, (_, i) => `parameter${i}: int`);
    const lines = formatted(`block Net<C>(x: Tensor<float, [C]>, ${parameters.join(", ")}): Tensor<float, [C]> { return x; }`).split("\n");
    expect(lines.slice(0, 3)).toEqual(["block Net<C>(", "  x: Tensor<float, [C]>,", "  parameter0: int,"]);
    expect(lines.slice(13, 16)).toEqual(["  parameter11: int,", "): Tensor<float, [C]> {", "  return x;"]);
  });

  test("operators of one level break together, before the operator", () => {
    expect(body(`const y = ${long} + ${long} * 2 - ${long} + ${long};`)).toBe(
      `const y = ${long}\n  + ${long} * 2\n  - ${long}\n  + ${long};`,
    );
  });

  test("a body on one line stays there if it is one statement and fits", () => {
    expect(body("if (a) {\nreturn x; }")).toBe("if (a) {\n  return x;\n}");
    expect(body("if (a) { h = x; return h; }")).toBe("if (a) {\n  h = x;\n  return h;\n}");
    expect(body(`repeat 2 as unit { h = h |> ${long}(${long}) as one |> ${long}() as two; }`).split("\n")[0]).toBe("repeat 2 as unit {");
  });
});

describe("comments", () => {
  test("those behind code stand in one column over neighbouring lines", () => {
    expect(formatted("dim L = 77; /// text\ndim DD = 768;// width\n\ndim Z = 4;      // alone\n")).toBe(
      "dim L = 77;    /// text\ndim DD = 768;  // width\n\ndim Z = 4;  // alone\n",
    );
  });

  test("above, behind and last in a body", () => {
    expect(body("// first\nconst a = 1; // behind\n\n// second\n\n// third\nreturn x;\n// last")).toBe(
      "// first\nconst a = 1;  // behind\n\n// second\n\n// third\nreturn x;\n// last",
    );
  });

  test("in an empty body, and behind a brace", () => {
    expect(body("if (a) {\n// nothing\n}")).toBe("if (a) {\n  // nothing\n}");
    expect(body("if (a) { // why\nreturn x;\n} // end")).toBe("if (a) {\n  // why\n  return x;\n}  // end");
  });

  test("in lists, calls and records: the brackets open", () => {
    expect(formatted("const l = [1, // one\n2,\n// three\n3 // last\n];")).toBe(
      "const l = [\n  1,  // one\n  2,\n  // three\n  3,  // last\n];\n",
    );
    expect(body("const y = f(x, // the value\n n: 2);")).toBe("const y = f(\n  x,  // the value\n  n: 2,\n);");
    expect(formatted("preset P of M {\n  // sizes\n  H: 8, W: 8,\n  // none\n}")).toBe(
      "preset P of M {\n  // sizes\n  H: 8,\n  W: 8,\n  // none\n}\n",
    );
    expect(formatted("const l = [ // empty\n];")).toBe("const l = [\n  // empty\n];\n");
  });

  test("between the links of a pipe", () => {
    expect(body("const y = x // from\n// then\n|> f() // eff\n|> g(); // done")).toBe(
      "const y = x  // from\n  // then\n  |> f()   // eff\n  |> g();  // done",
    );
  });

  test("where no line can begin, it goes above the statement", () => {
    expect(body("const y = a + // why\nb;")).toBe("// why\nconst y = a + b;");
    expect(body("if (a // why\n) { return x; }")).toBe("// why\nif (a) { return x; }");
  });

  test("between `}` and `else`, and in parameters", () => {
    expect(body("if (a) {\nreturn x;\n}\n// otherwise\nelse {\nreturn y;\n}")).toContain("// otherwise");
    expect(
      formatted("block N<C>(\n  // the value\n  x: Tensor<float, [C]>, // behind\n): Tensor<float, [C]> { return x; }")
        .split("\n")
        .slice(1, 3),
    ).toEqual(["  // the value", "  x: Tensor<float, [C]>,  // behind"]);
  });

  test("a file of comments", () => {
    expect(formatted("// a\n\n\n// b\n")).toBe("// a\n\n// b\n");
  });
});
