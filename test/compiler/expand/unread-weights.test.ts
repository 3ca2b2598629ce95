// Weights that no result of a graph depends on: found where the work is lost, by `check`, which leaves repeated calls out, as by a build.

import { expect, test } from "vitest";
import { compile, shapeErrors } from "../../../compiler/compile.ts";
import { magicVideo, programOf } from "./expanded.ts";

const blocks = `type Row = Tensor<float, [2, 4]>;
param deep: bool = false;
block Layer(x: Row): Row { return x |> linear(4) as linear; }
block First(x: Row, y: Row): Row { return Layer(x) as one; }
block Sum(x: Row, y: Row): Row { return (Layer(x) as one) + y; }
block Drop(x: Row): Row { const y = x |> linear(4) as lost; return x |> linear(4) as kept; }
`;

/** Each lost label with the path that is said of it: of a check and of a build, which must agree. */
function lost(body: string, other = "", settings = {}): string[] {
  const program = programOf(`${blocks}model M {\n  graph run(x: Row): Row {\n    ${body}\n  }\n${other}}\n`);
  const text = program.files.get("test.mv")?.source.text ?? "";
  const choices = { precision: "f32", settings } as const;
  const checked = shapeErrors(program, choices);
  const built = compile(program, choices);
  expect(built.ok ? [] : built.diagnostics).toEqual(checked);
  return checked.map(({ code, message, span }) => {
    expect(code).toBe("unread-weight");
    return `${text.slice(span.start, span.end)}: ${/`([^`]*)`$/.exec(message)?.[1]}`;
  });
}

test.each<[string, string, string[]]>([
  ["all are read", "let h = x; repeat 2 as a { h = h |> Layer() as b; } return h;", []],
  ["a call is dropped", "const y = x |> Layer() as a; return x |> Layer() as b;", ["a: a"]],
  ["a call like an earlier one is dropped", "const y = x |> Layer() as a; const z = x |> Layer() as b; return y;", ["b: b"]],
  ["what feeds a dropped call", "const y = x |> Layer() as a; const z = y |> Layer() as b; return x;", ["a: a", "b: b"]],
  ["an overwritten variable", "let h = x |> Layer() as a; h = x |> Layer() as b; return h;", ["a: a"]],
  ["a list that nobody pops", "let s = [x]; s.push(x |> Layer() as a); return s[0];", ["a: a"]],
  ["all rounds of a repeat", "repeat 2 as r { const y = x |> Layer() as a; } return x;", ["r: r"]],
  ["all rounds but the last", "let h = x; repeat 3 as r { h = x |> Layer() as a; } return h;", ["a: r.0.a"]],
  ["a weight statement", "weight w: Row = ones; return x;", ["w: w"]],
  ["an argument that the block ignores", "return First(x, x |> Layer() as a) as f;", ["a: a"]],
  ["one that it ignored before", "const y = First(x, x + 1) as f; return First(y, y |> Layer() as a) as g;", ["a: a"]],
  ["one that stood for both before", "const y = First(x, x) as f; return First(y, y |> Layer() as a) as g;", ["a: a"]],
  ["one that it reads, where both were the same before", "const y = Sum(x, x) as f; return Sum(y, y |> Layer() as a) as g;", []],
  ["part of a block", "return x |> Drop() as a |> Drop() as b;", ["lost: a.lost"]],
  ["a branch that is not taken makes no weights", "if (deep) { const y = x |> Layer() as a; } return deep ? x |> Layer() as b : x;", []],
])("%s", (_, body, expected) => expect(lost(body)).toEqual(expected));

test("a branch counts where it is taken", () => {
  const body = "if (deep) { const y = x |> Layer() as a; } return deep ? x |> Layer() as b : x;";
  expect(lost(body, "", { deep: true })).toEqual(["a: a"]);
});

test("what another graph reads is lost in this one all the same", () => {
  const other = "  graph other(x: Row): Row {\n    return x |> Layer() as a;\n  }\n";
  expect(lost("const y = x |> Layer() as a; return x;", other)).toEqual(["a: a"]);
});

test.each([
  {},
  { preset: "Mini" },
  ...["NoAdaptor", "Undirected", "SpatialOnly", "TemporalOnly", "ImageVae", "Series", "ImageModel"].map((name) => ({
    preset: "Mini",
    ablations: [name],
  })),
])("MagicVideo reads all its weights: %j", (choice) => expect(shapeErrors(magicVideo(), { precision: "f32", ...choice })).toEqual([]));
