// The grammar: what binds how tightly, where labels go, what may be left out, and what each form becomes.

import { Lexer } from "chevrotain";
import { describe, expect, test } from "vitest";
import { type Declaration, type Expression, format, type Label, parse, type Statement } from "../../dsl/index.ts";
import { Parser } from "../../dsl/parser.ts";
import { tokens } from "../../dsl/tokens.ts";
import { models, parsed } from "./sources.ts";

/** The value of a const as text with every operator in brackets. */
function shown(text: string): string {
  const [declaration] = parsed(`const v = ${text};`).declarations;
  if (declaration?.kind !== "const") throw new Error("not a const");
  return show(declaration.value);
}

function shownLabel(label: Label | undefined): string {
  if (label === undefined) return "";
  return ` as ${label.tied ? "tied " : ""}${label.texts.map((text, i) => text + (label.holes[i] === undefined ? "" : `{${show(label.holes[i])}}`)).join("")}`;
}

function show(node: Expression): string {
  const list = (items: readonly Expression[]) => items.map(show).join(", ");
  switch (node.kind) {
    case "number":
      return node.text;
    case "string":
      return JSON.stringify(node.value);
    case "bool":
      return String(node.value);
    case "name":
      return node.name;
    case "list":
      return `[${list(node.items)}]`;
    case "record":
      return `{${node.fields.map((field) => `${field.name.name}: ${show(field.value)}`).join(", ")}}`;
    case "unary":
      return `(${node.operator}${show(node.operand)})`;
    case "binary":
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`;
    case "conditional":
      return `(${show(node.test)} ? ${show(node.then)} : ${show(node.otherwise)})`;
    case "member":
      return `${show(node.object)}.${node.property.name}`;
    case "index":
      return `${show(node.object)}[${show(node.index)}]`;
    case "method":
      return `${show(node.object)}.${node.method.name}(${list(node.arguments)})`;
    case "call": {
      const given = node.arguments.map(({ name, value }) => `${name === undefined ? "" : `${name.name}: `}${show(value)}`).join(", ");
      const call = `${node.callee.name}(${given})${shownLabel(node.label)}`;
      return node.piped === undefined ? call : `(${show(node.piped)} |> ${call})`;
    }
  }
}

test("tokens and grammar are sound: chevrotain's own validation finds none that cannot be reached, and no ambiguity", () => {
  expect(new Lexer([...tokens], { positionTracking: "onlyOffset", deferDefinitionErrorsHandling: true }).lexerDefinitionErrors).toEqual([]);
  expect(() => new Parser(true)).not.toThrow();
});

describe("precedence", () => {
  test.each([
    ["a + b * c - d", "((a + (b * c)) - d)"],
    ["a - b - c", "((a - b) - c)"],
    ["a / b % c * d", "(((a / b) % c) * d)"],
    ["2 ** 3 ** 2", "(2 ** (3 ** 2))"],
    ["-2 ** 2", "(-(2 ** 2))"],
    ["2 ** -1", "(2 ** (-1))"],
    ["-a * b", "((-a) * b)"],
    ["!a && b", "((!a) && b)"],
    ["--a", "(-(-a))"],
    ["a || b && c", "(a || (b && c))"],
    ["a == b && c != d", "((a == b) && (c != d))"],
    ["a < b == c >= d", "((a < b) == (c >= d))"],
    ["a + 1 < b * 2", "((a + 1) < (b * 2))"],
    ["H % 2 ** n == 0", "((H % (2 ** n)) == 0)"],
    ["a ? b : c ? d : e", "(a ? b : (c ? d : e))"],
    ["a ? b ? 1 : 2 : 3", "(a ? (b ? 1 : 2) : 3)"],
    ["x |> f() |> g(1)", "((x |> f()) |> g(1))"],
    ["(a + b) |> f()", "((a + b) |> f())"],
    ["a + (b |> f())", "(a + (b |> f()))"],
    ["-a |> f()", "((-a) |> f())"],
    ["a ? x : y |> f()", "(a ? x : (y |> f()))"],
    ["x |> f() ? a : b", "((x |> f()) ? a : b)"],
    ["l[0].w.x[1 + 2]", "l[0].w.x[(1 + 2)]"],
    ["l.reversed()[0]", "l.reversed()[0]"],
    ["2 ** l.length", "(2 ** l.length)"],
    ["-l[0]", "(-l[0])"],
    ["(a + b) * c", "((a + b) * c)"],
    ["(x |> f()) + y", "((x |> f()) + y)"],
    ["f(x).length", "f(x).length"],
  ])("%s", (text, expected) => expect(shown(text)).toBe(expected));
});

describe("labels", () => {
  test.each([
    ["x |> f(1) as a |> g() as b", "((x |> f(1) as a) |> g() as b)"],
    ["y + f(x) as a", "(y + f(x) as a)"],
    ["f(x) as a + y", "(f(x) as a + y)"],
    ["f(g(x) as inner) as outer", "f(g(x) as inner) as outer"],
    ["x |> f() as block |> g() as repeat", "((x |> f() as block) |> g() as repeat)"],
    ["x |> f() as tied |> g() as tied tied", "((x |> f() as tied) |> g() as tied tied)"],
    ['x |> f() as tied "a.b" |> g() as ""', "((x |> f() as tied a.b) |> g() as )"],
    ['f(x) as "a.{i}.b{ n + l[0] }" + y', "(f(x) as a.{i}.b{(n + l[0])} + y)"],
    ['f(x) as tied "{i}{j}"', "f(x) as tied {i}{j}"],
    ['f("a.{i}") as "a.{i"', 'f("a.{i}") as a.{i'],
  ])("%s", (text, expected) => expect(shown(text)).toBe(expected));
});

test("errors in the holes of a label stand where they are", () => {
  const errors = (label: string) =>
    parse("a.mv", `const v = f(x) as ${label};`).diagnostics.map(({ code, span }) => `${code} ${span.start}..${span.end}`);
  // The string begins at 18.
  expect(errors('"a.{i +}.b"')).toEqual(["unexpected-token 25..29"]);
  expect(errors('"a.{}.b"')).toEqual(["unexpected-token 22..26"]);
  expect(errors('"a.{i $ 1}"')).toEqual(["stray-character 24..25"]);
  expect(errors('"a.{i // why}"')).toEqual(["stray-character 24..30"]);
  expect(errors('"a.{i j}"')).toEqual(["unexpected-token 24..25"]);
});

function statementOf(text: string): Statement | undefined {
  const [declaration] = parsed(`block B<C>(x: Tensor<float, [C]>): Tensor<float, [C]> { ${text} }`).declarations;
  return declaration?.kind === "block" ? declaration.body[0] : undefined;
}

describe("what is optional leaves what follows it alone", () => {
  const repeats: readonly [string, string, string | undefined][] = [
    ["repeat 2 as unit { }", "2", "unit"],
    ["repeat n { }", "n", undefined],
    ["repeat a + b as unit { }", "(a + b)", "unit"],
    ["repeat l.reversed() as up { }", "l.reversed()", "up"],
    ["repeat f(n) as up { }", "f(n)", "up"],
    ["repeat x |> f(n) as up { }", "(x |> f(n))", "up"],
    ["repeat (x |> f(n) as inner) as up { }", "(x |> f(n) as inner)", "up"],
    ["repeat [1, 2] as up { }", "[1, 2]", "up"],
    ["repeat 2 as tied up { }", "2", "tied up"],
    ["repeat 2 as tied { }", "2", "tied"],
    ['repeat i of n as "down.{i}" { }', "n", "down.{i}"],
  ];
  test.each(repeats)("the `as` of %s", (text, range, label) => {
    const statement = statementOf(text);
    if (statement?.kind !== "repeat") throw new Error("no repeat");
    expect(show(statement.range)).toBe(range);
    expect(shownLabel(statement.label)).toBe(label === undefined ? "" : ` as ${label}`);
  });

  test("calls in the body of a repeat take their labels again", () => {
    const statement = statementOf("repeat f(n) as up { const y = g(x) as inner; }");
    const inner = statement?.kind === "repeat" ? statement.body[0] : undefined;
    expect(inner?.kind === "const" && show(inner.value)).toBe("g(x) as inner");
  });

  test("a name before `of` or `,` is the element, any other begins the range", () => {
    const both = statementOf("repeat level, i of levels as down { }");
    expect(both).toMatchObject({ element: { name: "level" }, index: { name: "i" }, range: { name: "levels" }, label: { texts: ["down"] } });
    const one = statementOf("repeat level of levels { }");
    expect(one).toMatchObject({ element: { name: "level" }, index: undefined, range: { name: "levels" }, label: undefined });
    expect(statementOf("repeat levels.length { }")).toMatchObject({ element: undefined, range: { kind: "member" } });
  });

  test("the `>` of a type is not a comparison, and `>=` needs a space", () => {
    const [declaration] = parsed("type A<C, H> = Tensor<float, [C, H > 1 ? 2 : 3]>;").declarations;
    expect(declaration).toMatchObject({ type: { axes: [{ kind: "name" }, { kind: "conditional" }] } });
    const [use] = parsed("block B<C>(x: A<C, 2 * C>): A<C, C + 1> { return x; }").declarations;
    expect(use).toMatchObject({ result: { arguments: [{ kind: "name" }, { kind: "binary", operator: "+" }] } });
  });

  test("`_` is an axis of a type and an argument of one, and nothing else", () => {
    const [use] = parsed("block B<C>(x: A<C, _>[]): { a: Tensor<float, [C, _]>, rest: A<_, C>[][] } { return x; }").declarations;
    expect(use).toMatchObject({
      parameters: [{ type: { kind: "list-type", element: { arguments: [{ name: "C" }, { name: "_" }] } } }],
      result: { fields: [{ type: { axes: [{ name: "C" }, { name: "_" }] } }, { type: { kind: "list-type" } }] },
    });
    for (const text of [
      "const _ = 1;",
      "const n = _ + 1;",
      "type A<_> = Tensor<float, [1]>;",
      "type A = Tensor<float, [_ + 1]>;",
      "type A = B<1 + _>;",
    ]) {
      expect(
        parse("a.mv", text).diagnostics.map(({ code }) => code),
        text,
      ).toEqual(["unexpected-token"]);
    }
    expect(parsed("const _a = 1; const a_ = 2; const __ = 3;").declarations.length).toBe(3);
  });

  test("`else` belongs to the nearest `if`, and `else if` is one `if` inside", () => {
    const statement = statementOf("if (a) { } else if (b) { } else { return x; }");
    expect(statement).toMatchObject({
      test: { name: "a" },
      otherwise: [{ kind: "if", test: { name: "b" }, otherwise: [{ kind: "return" }] }],
    });
  });

  test("an assignment is told from a comparison and a call by what follows the name", () => {
    expect(statementOf("h = x;")?.kind).toBe("assign");
    expect(statementOf("h.push(x);")?.kind).toBe("expression");
    expect(statementOf("h == x;")?.kind).toBe("expression");
  });

  test("`normal` takes its deviation, `zeros` none", () => {
    expect(statementOf("weight w: Tensor<float, [C]> = normal(0.02);")).toMatchObject({
      init: { kind: "normal", deviation: { value: 0.02 } },
    });
    expect(statementOf("weight w: Tensor<float, [C]> = zeros;")).toMatchObject({ init: { kind: "zeros", deviation: undefined } });
  });
});

test("a word of the language may name a field before its colon, and nothing else", () => {
  const sampler = 'model M { sampler g(z, t) { conditions: { text: { from: "text", encoder: encode } }, frames: decode, } }';
  const [model] = parsed(sampler).declarations;
  const [member] = model?.kind === "model" ? model.members : [];
  expect(member).toMatchObject({
    kind: "sampler",
    fields: [
      {
        name: { name: "conditions" },
        value: { fields: [{ name: { name: "text" }, value: { fields: [{ name: { name: "from" }, value: { value: "text" } }, {}] } }] },
      },
      { name: { name: "frames" }, value: { kind: "name", name: "decode" } },
    ],
  });
  expect(parse("a.mv", "const a = { from };").source).toBeUndefined();
  expect(parse("a.mv", "const from = 1;").source).toBeUndefined();
  expect(format(parsed(sampler))).toBe(
    'model M {\n  sampler g(z, t) { conditions: { text: { from: "text", encoder: encode } }, frames: decode }\n}\n',
  );
});

test("a stage of training has a name and fields, and keeps its comments and doc", () => {
  const text =
    'model M {\n/// The whole.\ntrain all { loss: l, // why\ninputs: { x: { from: "clip" }, }, weights: [{ path: "unet.**" }, { path: "a", rate: 0 }] } }';
  const [model] = parsed(text).declarations;
  const [member] = model?.kind === "model" ? model.members : [];
  expect(member).toMatchObject({ kind: "train", name: { name: "all" }, doc: "The whole." });
  expect(member?.kind === "train" && member.fields.map(({ name }) => name.name)).toEqual(["loss", "inputs", "weights"]);
  const once = format(parsed(text));
  expect(once).toBe(
    'model M {\n  /// The whole.\n  train all {\n    loss: l,  // why\n    inputs: { x: { from: "clip" } }, weights: [{ path: "unet.**" }, { path: "a", rate: 0 }],\n  }\n}\n',
  );
  expect(format(parsed(once))).toBe(once);
  expect(parse("a.mv", "const train = 1;").source).toBeUndefined();
});

test("commas may stand after the last item everywhere", () => {
  const text = [
    'import { A, B, } from "./a.mv";',
    "type V<C, H,> = Tensor<float, [C, H,]>;",
    "param p: { width: int, attends: bool, }[] = [{ width: 1, attends: true, },];",
    "block N<C, H,>(x: V<C, H,>, n: int = 1,): V<C, H,> { return f(x, n: 2,) as f; }",
    "model M<H = 1, W = 2,> { sampler g(z, t,) { steps: 3, } }",
    "preset P of M { H: 2, }",
  ];
  expect(parsed(text.join("\n")).declarations.map((declaration) => declaration.kind)).toEqual([
    "import",
    "type",
    "param",
    "block",
    "model",
    "preset",
  ]);
});

test("numbers, strings and types are read as they are meant", () => {
  const value = (text: string) => (parsed(`const v = ${text};`).declarations[0] as Extract<Declaration, { kind: "const" }>).value;
  expect(value("1e-5")).toMatchObject({ kind: "number", value: 1e-5, float: true, text: "1e-5" });
  expect(value("49408")).toMatchObject({ value: 49408, float: false });
  expect(value("1.0")).toMatchObject({ value: 1, float: true });
  expect(value("9007199254740991")).toMatchObject({ value: Number.MAX_SAFE_INTEGER });
  expect(value('"a \\"b\\" \\\\ \\n"')).toMatchObject({ value: 'a "b" \\ \n' });
  expect(parsed('param p: "a" | "b" = "a";').declarations[0]).toMatchObject({
    type: { kind: "literal-type", values: [{ value: "a" }, { value: "b" }] },
  });
  expect(parsed("param p: int[][] = [];").declarations[0]).toMatchObject({
    type: { kind: "list-type", element: { kind: "list-type", element: { scalar: "int" } } },
  });
});

describe("docs", () => {
  const docOf = (text: string) =>
    parsed(text).declarations.map((declaration) => (declaration.kind === "import" ? undefined : declaration.doc));

  test("`///` lines above a declaration, or behind it on its line", () => {
    expect(docOf("/// first\n/// second\ndim A = 1;\ndim B = 2;  /// behind\ndim C = 3;\n")).toEqual([
      "first\nsecond",
      "behind",
      undefined,
    ]);
  });

  test("a blank line or a plain comment parts them", () => {
    expect(docOf("dim Z = 0;\n/// far\n\ndim A = 1;\n// plain\ndim B = 2;\n")).toEqual([undefined, undefined, undefined]);
  });

  test("a file's own doc is parted by a blank line or followed by an import", () => {
    expect(parsed("/// the file\n\n/// the dim\ndim A = 1;\n")).toMatchObject({ doc: "the file", declarations: [{ doc: "the dim" }] });
    expect(parsed('/// the file\nimport { A } from "./a.mv";\n').doc).toBe("the file");
    expect(parsed("/// the dim\ndim A = 1;\n")).toMatchObject({ doc: undefined, declarations: [{ doc: "the dim" }] });
  });

  test("members of a model have docs too", () => {
    const [model] = parsed("model M {\n  /// runs\n  graph g(x: Tensor<float, [1]>): Tensor<float, [1]> { return x; }\n}\n").declarations;
    expect(model).toMatchObject({ members: [{ doc: "runs" }] });
  });
});

test("spans are where the words are", () => {
  const text = "dim F = 16;\nconst y = (a + b) |> f(1) as l;\n";
  const [dim, constant] = parsed(text).declarations;
  const at = (span: { start: number; end: number } | undefined) => text.slice(span?.start, span?.end);
  expect(at(dim?.span)).toBe("dim F = 16;");
  const call = constant?.kind === "const" && constant.value.kind === "call" ? constant.value : undefined;
  expect([at(call?.span), at(call?.callSpan), at(call?.callee.span), at(call?.label?.span)]).toEqual([
    "(a + b) |> f(1) as l",
    "f(1) as l",
    "f",
    "l",
  ]);
});

test("errors of several declarations are all reported, each once", () => {
  const text = "dim A = ;\nblock B<C>(x Tensor<float, [C]>): Tensor<float, [C]> { return x; }\ndim D = 1;\nparam e: int = ,;\n";
  const { source, diagnostics } = parse("test.mv", text);
  expect(source).toBeUndefined();
  expect(diagnostics.map(({ code, span }) => [code, text.slice(span.start, span.end)])).toEqual([
    ["unexpected-token", ";"],
    ["unexpected-token", "Tensor"],
    ["unexpected-token", ","],
  ]);
});

test("a file may be empty, or nothing but comments, and lines may end as on Windows", () => {
  expect(parsed("").declarations).toEqual([]);
  expect(parsed("// only\n").comments).toMatchObject([{ text: "// only" }]);
  const video = models.get("video.mv") ?? "";
  const windows = parsed(video.replaceAll("\n", "\r\n"));
  expect(windows.declarations).toHaveLength(parsed(video).declarations.length);
  expect(windows.doc).toBe(parsed(video).doc);
});

describe("layouts", () => {
  const entries = (text: string) => {
    const [declaration] = parsed(text).declarations;
    if (declaration?.kind !== "layout") throw new Error("not a layout");
    return declaration.entries.map((entry) =>
      entry.kind === "drop"
        ? `drop ${entry.keys.map(({ texts }) => texts.join("{}")).join(" ")}`
        : `${entry.path.texts.join("{}")} ${entry.keys.map(({ text, rows, shape }) => `${text.texts.join("{}")} ${rows && show(rows.of)} ${shape?.map(show)}`).join(" | ")}`,
    );
  };

  test("words of the language, and those of layouts, may be labels", () => {
    expect(entries('layout a of Net { block: "b", drop: "d", rows: "r" rows rows of of2 as [1], drop: ["x", "y.{n}"] }')).toEqual([
      "block b undefined undefined",
      "drop d undefined undefined",
      "rows r of2 1",
      "drop x y.{}",
    ]);
  });

  test("`layout` may be a label elsewhere, and strings have holes in layouts alone", () => {
    const text = 'const a = "{b}";\nlayout x of Net { "a.{i}": "b.{i}" | "c" }\nconst d = "{e}";\n';
    const [before, layout, after] = parsed(text).declarations;
    expect([before, after].map((one) => one?.kind === "const" && show(one.value))).toEqual(['"{b}"', '"{e}"']);
    expect(layout?.kind === "layout" && layout.entries.length).toBe(1);
    expect(parse("a.mv", "block N<C>(x: Tensor<float, [C]>): Tensor<float, [C]> { return f(x) as layout; }").diagnostics).toEqual([]);
  });
});
