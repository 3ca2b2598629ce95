// What sizes reveal, and where: under the file's own sizes nothing is added, else the first preset or ablation is named and the others counted.

import { expect, test } from "vitest";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { compile } from "../../compiler/compile.ts";
import { defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { planModel } from "../../compiler/targets/webgpu/plan-model.ts";
import { renderDiagnostic } from "../../dsl/index.ts";
import { programOf } from "./expand/expanded.ts";

const model = (width: number, choices: string) => `param width: int = ${width};
param heads: int = 4;
model Tiny<H = 8> {
  graph run(x: Tensor<float, [1, H, 12]>): Tensor<float, [1, H, 12]> {
    const q = x |> linear(width) as q;
    return attend(q, q, q, heads: heads) |> linear(12) as out;
  }
}
${choices}`;
const places = (source: string) => checkSizes(programOf(source)).map(({ code, foundIn }) => [code, foundIn]);

test("an error of the file's own sizes names no preset", () => {
  expect(places(model(6, "preset Mini of Tiny { H: 4 }\nablation Thin of Tiny { heads: 5 }"))).toEqual([["not-divisible", undefined]]);
});

test("one of a preset alone names it", () => {
  expect(places(model(8, "preset Mini of Tiny { width: 6 }"))).toEqual([["not-divisible", { preset: "Mini", ablations: [], others: 0 }]]);
});

test("one of several is said once: the first is named, the others are counted", () => {
  const choices =
    "preset Good of Tiny { H: 4 }\npreset Mini of Tiny { width: 6 }\nablation Thin of Tiny { heads: 5 }\nablation Odd of Tiny { heads: 3 }";
  const program = programOf(model(8, choices));
  const [found, ...more] = checkSizes(program);
  expect(more).toEqual([]);
  expect(found?.foundIn).toEqual({ preset: "Mini", ablations: [], others: 5 });
  expect(found && renderDiagnostic(found, new Map()).split("\n")).toContain("  in preset Mini and 5 more");
});

test("an ablation that sets numbers is tried at every size, for it may fit one and not another", () => {
  const place = (source: string) => {
    const [found] = checkSizes(programOf(source));
    return (
      found &&
      renderDiagnostic(found, new Map())
        .split("\n")
        .find((line) => line.startsWith("  in "))
    );
  };
  expect(place(model(8, "preset Six of Tiny { width: 6 , heads: 2 }\nablation Thin of Tiny { heads: 6 }"))).toBe("  in ablation Thin");
  expect(
    place(model(6, "preset Mini of Tiny { width: 8 }\nablation Thin of Tiny { heads: 6 }").replace("heads: int = 4", "heads: int = 2")),
  ).toBe("  in ablation Thin of preset Mini");
});

test("a switch is tried on the first preset, and both are named", () => {
  const text = model(8, "param odd: bool = false;\npreset Mini of Tiny { H: 4 }\nablation Odd of Tiny { odd: true }");
  const [found] = checkSizes(programOf(text.replace("heads: heads", "heads: odd ? 5 : heads")));
  expect(found && renderDiagnostic(found, new Map()).split("\n")).toContain("  in ablation Odd of preset Mini");
});

test("a build says what it was asked for, in shapes and in what no device holds", () => {
  const program = programOf(model(8, "preset Mini of Tiny { width: 6 }\npreset Vast of Tiny { width: 40000000 }"));
  const shapes = compile(program, { preset: "Mini", precision: "f32" });
  expect(shapes.ok ? [] : shapes.diagnostics.map(({ foundIn }) => foundIn)).toEqual([{ preset: "Mini", ablations: [], others: 0 }]);
  const vast = compile(program, { preset: "Vast", precision: "f32" });
  const planned = vast.ok ? planModel(vast.module, defaultLimits) : undefined;
  expect(planned?.ok === false && planned.diagnostics[0]).toMatchObject({ code: "device-limit", foundIn: { preset: "Vast" } });
});

test("a graph is asked again wherever a value that it reads is another, through consts, dims of the model and types", () => {
  const source = (choices: string) =>
    `param k: int = 4;
param other: int = 1;
const width = k * 2;
type Row<C> = Tensor<float, [1, C, width]>;
model Tiny<H = 8> {
  const half = H / 2;
  graph run(x: Row<4>): Row<4> { return attend(x, x, x, heads: 2); }
  graph also(x: Tensor<float, [1, half, 1, 1]>): Tensor<float, [1, half, 1, 1]> { return (x * other) |> groupNorm(4) as norm; }
}
${choices}`;
  const found = (choices: string) => places(source(choices)).map(([code]) => code);
  expect(found("ablation Odd of Tiny { other: 3 }\nablation Wide of Tiny { k: 6 }\nablation Tall of Tiny { H: 16 }")).toEqual([]);
  expect(found("ablation Same of Tiny { k: 4 }\nablation Whole of Tiny { H: 6 }")).toEqual(["not-divisible"]);
  expect(found("param unused: int = 1;\nablation Large of Tiny { k: 100000 }\nablation Vast of Tiny { k: 4000000000 }")).toContain(
    "bad-size",
  );
});
