// What presets, ablations and settings change of a model, in which order, and what they may not change.

import { expect, test } from "vitest";
import { configure } from "../../../compiler/expand/configure.ts";
import { recipeOf } from "../../../compiler/expand/recipe.ts";
import type { Graph } from "../../../compiler/graph/graph.ts";
import { graphsOf, magicVideo, named, opsOf, programOf, refusals, shapeOfOutput, weightsOf } from "./expanded.ts";

const source = [
  "dim C = 4;",
  "param depth: int = 1;",
  'param act: "silu" | "gelu" = "silu";',
  "param widths: { out: int }[] = [{ out: C }];",
  "param wide: int = 2 * C;",
  "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;",
  "model Tiny<H = 8, W = 2 * C> {",
  "  graph run(x: Image<C, H, W>): Image<wide, H, W> {",
  "    let h = x;",
  '    repeat depth { h = act == "silu" ? h |> silu() : h |> gelu(); }',
  "    return concat([h, h], axis: 1);",
  "  }",
  "}",
  "preset Deep of Tiny { depth: 3, C: 6 }",
  'ablation Gelu of Tiny { act: "gelu" }',
  "ablation Shallow of Tiny { depth: 2 }",
  "",
].join("\n");

const program = programOf(source);
type Choices = Parameters<typeof graphsOf>[1];
const built = (choices: Choices): Graph => named(graphsOf(program, choices), "run");

test("nothing chosen is what the source says", () => {
  expect(opsOf(built({}))).toEqual(["silu", "concat"]);
  expect(shapeOfOutput(built({}))).toEqual([1, 8, 8, 8]);
});

test("a preset overrides dims and params, and what is worked out from them follows", () => {
  const graph = built({ preset: "Deep" });
  expect(opsOf(graph)).toEqual(["silu", "silu", "silu", "concat"]);
  expect(shapeOfOutput(graph)).toEqual([1, 12, 8, 12]);
});

test("ablations apply on top of the preset in their order, settings last", () => {
  const ops = (choices: Choices) => opsOf(built(choices)).slice(0, -1);
  expect(ops({ preset: "Deep", ablations: ["Gelu"] })).toEqual(["gelu", "gelu", "gelu"]);
  expect(ops({ preset: "Deep", ablations: ["Gelu", "Shallow"] })).toEqual(["gelu", "gelu"]);
  expect(ops({ preset: "Deep", ablations: ["Shallow"], settings: { depth: 0, act: "gelu" } })).toEqual([]);
});

test("settings reach dims of the file and of the model, and come as JSON", () => {
  expect(shapeOfOutput(built({ settings: { C: 2, H: 4 } }))).toEqual([1, 4, 4, 4]);
  expect(shapeOfOutput(built({ settings: { C: 2, W: 16, widths: [{ out: 1 }, { out: 2 }] } }))).toEqual([1, 4, 8, 16]);
});

test.each([
  [{ preset: "Dep" }, "unknown-choice", "there is no preset `Dep` in test.mv", "Deep"],
  [{ ablations: ["Gelu", "Deep"] }, "unknown-choice", "there is no ablation `Deep` in test.mv", "Gelu, Shallow"],
  [{ settings: { deph: 3 } }, "unknown-choice", "there is no dim or param `deph` in test.mv", "depth"],
  [{ settings: { act: "relu" } }, "override-kind", '`act` takes one of "silu", "gelu", but is set to the string "relu"', ""],
  [{ settings: { depth: 1.5 } }, "override-kind", "`depth` takes an int, but is set to the float 1.5", ""],
  [{ settings: { C: 0 } }, "override-kind", "`C` takes a size from 1 to 2147483647, but is set to the int 0", ""],
  [{ settings: { widths: [{ in: 1 }] } }, "override-kind", "`widths` takes a list, each a record { out }, but is set to a list of 1", ""],
  [{ settings: { run: 1 } }, "unknown-choice", "there is no dim or param `run` in test.mv", ""],
] as const)("%j is refused: %s", (choices, code, message, hint) => {
  const [refusal, ...others] = refusals(source, choices);
  expect(others).toEqual([]);
  expect([refusal?.code, refusal?.message]).toEqual([code, message]);
  expect(refusal?.hint ?? "").toContain(hint);
});

test("precision is that of every `float`; `f32` and `i32` stay", () => {
  const video = magicVideo();
  const inputs = (name: string) =>
    Object.fromEntries(
      named(graphsOf(video, { preset: "Mini", precision: "f16" }), name).values.flatMap((value) =>
        value.kind === "input" ? [[value.name, value.type.dtype]] : [],
      ),
    );
  expect(inputs("denoise")).toEqual({ z: "f16", t: "f32", text: "f16" });
  expect(inputs("encodeText")).toEqual({ tokens: "i32" });
});

test("an override reaches every file that names the dim or param", () => {
  const video = magicVideo();
  const scale = (choices: Choices) => weightsOf(named(graphsOf(video, choices), "denoise"))["unet.stem.adaptor.scale"];
  expect(scale({})).toEqual([16, 320]);
  expect(scale({ preset: "Mini", settings: { F: 4 } })).toEqual([4, 48]);
  expect(scale({ preset: "Mini", ablations: ["NoAdaptor"] })).toBeUndefined();
});

test("each ablation takes away what it names, or moves it, and nothing else", () => {
  const video = magicVideo();
  const all = (ablation?: string) => {
    const graphs = graphsOf(video, { preset: "Mini", ablations: ablation === undefined ? [] : [ablation] });
    return [...graphs.values()].flatMap((graph) => Object.keys(weightsOf(graph)).map((path) => `${graph.name} ${path}`));
  };
  const whole = all();
  const without = (pattern: RegExp) => whole.filter((path) => !pattern.test(path));
  expect(all("NoAdaptor")).toEqual(without(/\.adaptor\.(scale|shift)$/));
  expect(all("SpatialOnly")).toEqual(without(/\.time\d?\./));
  expect(all("TemporalOnly")).toEqual(without(/\.space\.(norm1|self)\./));
  expect(all("ImageVae")).toEqual(without(/^decode .*\.time\d\./));
  expect(all("Undirected")).toEqual(whole);
  expect(all("Series")).toEqual(whole);
  expect(all("ImageModel")).toEqual(without(/\.adaptor\.(scale|shift)$|\.time\d?\./));
});

test("the sampler's fields are read under the same choices", () => {
  const fields = (preset: string | undefined) => {
    const configured = configure(magicVideo(), { preset, precision: "f32" });
    if (!configured.ok) throw new Error("not configured");
    // Without graphs, which take seconds to expand, the figures are read alone.
    const recipe = recipeOf(configured.value, new Map());
    if (!recipe.ok || recipe.value === undefined) throw new Error("not read");
    const { predicts, schedule, steps, guidance } = recipe.value;
    return [predicts, schedule, steps, guidance];
  };
  expect(fields(undefined)).toEqual(["epsilon", "scaled-linear", 50, 7.5]);
  expect(fields("Mini")).toEqual(["v", "cosine", 6, 2]);
});
