// Numbers of a source to constants of the graph, and what is computed with whole numbers when the model is built.

import { describe, expect, test } from "vitest";
import type { ConstantValue, Graph } from "../../../compiler/graph/graph.ts";
import { counting, graphOf, refusals, run } from "./expanded.ts";

const source = (body: string, result = "Tensor<float, [_, _]>") =>
  `dim B = 1;\ndim F = 3;\nmodel M {\n  graph run(x: Tensor<float, [B, F]>): ${result} {\n    ${body}\n  }\n}\n`;
const constants = (graph: Graph) => graph.values.filter((value): value is ConstantValue => value.kind === "constant");
const x = counting(1, 3);

describe("constants", () => {
  test.each([
    ["x * view(float(range(F)), [1, F])", [0, 1, 4]],
    ["x + view(float(range(F) * 2 - 1), [1, F])", [-1, 2, 5]],
    ["x + view(tensor([0.5, 1, 2]), [1, F])", [0.5, 2, 4]],
    ["x + tensor([[1.0, 2, 3]])", [1, 3, 5]],
    ["x + float(tensor([[10, 20, 30]]))", [10, 21, 32]],
    ["x + float(x)", [0, 2, 4]],
    ["view(x, [F, 1]) * tensor([[1.0, 2.0]])", [0, 0, 1, 2, 2, 4]],
    ["float(view(range(F), [F, 1]) - view(range(F), [1, F]) + (F - 1)) + view(x, [1, F]) * 0", [2, 1, 0, 3, 2, 1, 4, 3, 2]],
  ])("%s", (expression, expected) => {
    expect([...run(graphOf(source(`return ${expression};`)), { x }).data]).toEqual(expected);
  });

  test("whole numbers are i32, others of the build's precision; `range` has the axis of its size's name", () => {
    const [range, whole, mixed] = constants(
      graphOf(source("return x * view(float(range(F) + tensor([1])), [1, F]) * view(tensor([1, 2.5, 3]), [1, F]);"), { precision: "f16" }),
    );
    expect([range?.type.dtype, whole?.type.dtype, mixed?.type.dtype]).toEqual(["i32", "i32", "f16"]);
    expect(refusals(source("return (x * float(range(F))) |> arrange([B, 3]);"))[0]?.message).toMatch(/as many axes/);
    expect([...run(graphOf(source("return x * (float(range(F)) |> expand([B, F]));")), { x }).data]).toEqual([0, 1, 4]);
  });

  test("whole numbers are not taken for floats", () => {
    expect(refusals(source("return x * view(range(F), [1, F]);"))[0]?.code).toBe("wrong-dtype");
  });

  test("a list that shares its parts counts as often as they stand in it", () => {
    const doubled = `const l0 = [1.0];\n    ${Array.from({ length: 25 }, (_, i) => `const l${i + 1} = [l${i}, l${i}];`).join(" ")}\n    return x * tensor(l25);`;
    expect(refusals(source(doubled)).map(({ code }) => code)).toEqual(["too-large"]);
  });
});

describe("whole numbers", () => {
  const value = (expression: string) => run(graphOf(source(`return x * 0 + ${expression};`)), { x }).data[0];
  test.each([
    ["div(7, 2)", 3],
    ["div(-7, 2)", -4],
    ["div(7, -2)", -4],
    ["div(-8, -2)", 4],
    ["(7 |> div(2))", 3],
    ["div(b: 2, a: 9)", 4],
    ["div(F * 5, 2) % 4", 3],
    ["[3, 1, 2].min()", 1],
    ["[F, 1, 2].max()", 3],
    ["[0.5, -2, F].min()", -2],
    ["[[1, 5].max(), 2].min()", 2],
  ])("%s", (expression, expected) => expect(value(expression)).toBe(expected));

  test("`div` may stand where no tensor can", () => {
    const text =
      "dim B = div(7, 3);\nparam width: int = [div(B, 2), 4].max();\nmodel M<H = div(9, 2)> {\n  graph run(x: Tensor<float, [B, width, H]>): Tensor<float, [2, 4, 4]> {\n    return x;\n  }\n}\npreset P of M { width: div(8, 2) }\n";
    expect(refusals(text)).toEqual([]);
  });

  test("what comes out is the quotient, by its name; what does not has a name of its own", () => {
    const half = (size: number) =>
      source(`return x |> slice(axis: 1, start: 0, size: div(F, 2)) |> Half();`, "Tensor<float, [B, _]>").replace(
        "dim F = 3;",
        `dim F = ${size};\nblock Half(x: Tensor<float, [B, F / 2]>): Tensor<float, [B, div(F, 2)]> {\n  return x |> arrange([B, div(F, 2)]);\n}`,
      );
    expect(refusals(half(4))).toEqual([]);
    expect(refusals(half(3))[0]?.code).toBe("inexact-division");
  });
});
