// Labels to weight paths: the checkpoint's keys, which are the ONNX initialisers' names and the profiler's rows (law 6).

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shapeErrors } from "../../../compiler/compile.ts";
import type { WeightInitialiser } from "../../../compiler/graph/graph.ts";
import { graphOf, graphsOf, magicVideo, named, programOf, refusals, run, weightsOf } from "./expanded.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";

function source(blocks: string, body: string): string {
  return `${image}${blocks}\nmodel Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    ${body}\n  }\n}\n`;
}

const paths = (blocks: string, body: string) => Object.keys(weightsOf(graphOf(source(blocks, body))));

const res =
  "block Res<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  weight gain: Tensor<float, [1, C, 1, 1]> = ones;\n  return (x |> conv2d(C, kernel: 3) as conv) * gain;\n}";

test("labels nest as the calls do; repeats are counted from zero; a weight statement is named by itself", () => {
  const body = "let h = x;\n    repeat 2 as down {\n      repeat [1, 2] as unit { h = h |> Res() as res; }\n    }\n    return h;";
  const expected = [0, 1].flatMap((i) =>
    [0, 1].flatMap((j) => ["gain", "conv.weight", "conv.bias"].map((name) => `down.${i}.unit.${j}.res.${name}`)),
  );
  expect(paths(res, body)).toEqual(expected);
});

test("a label is optional on what owns no weights, and adds no level where it is left out", () => {
  const plain = "block Twice<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return x + x;\n}";
  expect(paths(`${res}\n${plain}`, "return x |> Twice() as twice |> Twice() |> silu() as act |> Res() as res;")).toEqual([
    "res.gain",
    "res.conv.weight",
    "res.conv.bias",
  ]);
});

test("the branches of a choice may share a label, as only one is built", () => {
  const choose = (width: number) =>
    `const y = H == ${width} ? x |> conv2d(4, kernel: 1) as conv : x |> conv2d(4, kernel: 3) as conv;\n    return y;`;
  const kernel = (width: number) => weightsOf(graphOf(source("", choose(width))))["conv.weight"];
  expect(kernel(8)).toEqual([4, 4, 1, 1]);
  expect(kernel(9)).toEqual([4, 4, 3, 3]);
});

test("weights come in the order in which the source reads them, with the shapes and first values of their op", () => {
  const body = 'return view(view(x, [4, H * H]) |> linear(5) as first |> linear(64, init: "zeros", bias: false) as last, [1, 4, 8, 8]);';
  const weights = graphOf(source("", body)).values.flatMap((value) => (value.kind === "weight" ? [value] : []));
  const inits: [string, readonly number[], WeightInitialiser][] = weights.map((weight) => [weight.path, weight.type.shape, weight.init]);
  // PyTorch's default for linear layers: uniform within 1/sqrt(fan in), here 64 inputs, for weight and bias.
  expect(inits).toEqual([
    ["first.weight", [5, 64], { kind: "uniform", bound: 1 / 8 }],
    ["first.bias", [5], { kind: "uniform", bound: 1 / 8 }],
    ["last.weight", [64, 5], { kind: "zeros" }],
  ]);
});

test("axes of weights have the names that a `weight` statement gives them, those that ops own have none", () => {
  const scaled = "weight gain: Tensor<float, [1, 4, H, 1]> = ones;\n return (x |> conv2d(4, kernel: 1) as conv) * gain;";
  const weights = graphOf(source("", scaled)).values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.axes]] : []));
  expect(weights).toContainEqual(["gain", ["1", "4", "H", "1"]]);
  expect(weights).toContainEqual(["conv.weight", undefined]);
});

describe("labels that spell other people's keys", () => {
  const unet = `block Net<C, H, W>(x: Image<C, H, W>, names: string): Image<C, H, W> {
  let h = x;
  repeat i of 2 as "down_blocks.{i}" {
    repeat j of 2 { h = h |> Norm() as "resnets.{j}.norm1"; }
  }
  repeat i of 2 as "" { h = h |> Norm() as "block.0"; }
  repeat 2 as "mid.layer" { h = h |> conv2d(C, kernel: 1, bias: false) as ""; }
  return h |> conv2d(C, kernel: 1, bias: false) as "{names}{C}.to_out.0-{names}";
}
block Norm<C, H, W>(x: Image<C, H, W>): Image<C, H, W> { return x |> groupNorm(2) as ""; }`;

  test("holes, several levels, numbers alone, and no level", () => {
    const norms = [0, 1].flatMap((i) => [0, 1].map((j) => `model.down_blocks.${i}.resnets.${j}.norm1`));
    const keys = [...norms, "model.0.block.0", "model.1.block.0"].flatMap((path) => [`${path}.weight`, `${path}.bias`]);
    expect(paths(unet, 'return x |> Net("at") as model;')).toEqual([
      ...keys,
      "model.mid.layer.0.weight",
      "model.mid.layer.1.weight",
      "model.at4.to_out.0-at.weight",
    ]);
    expect(paths(unet, 'return x |> Net("at") as "";')[0]).toBe("down_blocks.0.resnets.0.norm1.weight");
  });

  const twice = (label: string) =>
    `let h = x;\n    const k = 1;\n    repeat i of 2 { h = h |> Res() as ${label}; }\n    return k == 1 ? h : x;`;

  test("two values at one path are refused, by check too, which leaves the second call out", () => {
    const text = source(res, twice('"res{k}"'));
    const expected = ["the weight path `res1.gain` is used twice"];
    expect(refusals(text).map(({ message }) => message)).toEqual(expected);
    expect(shapeErrors(programOf(text), { precision: "f32" }).map(({ message }) => message)).toEqual(expected);
    expect(refusals(source(res, twice('"res{i}"')))).toEqual([]);
  });

  test("a path may be met on two ways", () => {
    const text = source(res, 'return x |> Res() as a |> conv2d(4, kernel: 3) as "a.conv";');
    expect(refusals(text).map(({ message }) => message)).toEqual(["the weight path `a.conv.weight` is used twice"]);
  });
});

describe("one weight in several places", () => {
  const bodies = (round: string, call: string) => `let h = x;\n    repeat 3${round} { h = h |> Res() as ${call}; }\n    return h;`;
  const same = ["gain", "conv.weight", "conv.bias"];
  test.each([
    ["", "shared", "shared."],
    ["", "tied shared", "shared."],
    [" as tied round", "res", "round.res."],
    ["", 'tied "a.{1 + 1}"', "a.2."],
    ["", '""', ""],
  ])("repeat 3%s, as %s", (round, call, prefix) => {
    const text = source(res, bodies(round, call));
    expect(paths(res, bodies(round, call))).toEqual(same.map((name) => prefix + name));
    expect(shapeErrors(programOf(text), { precision: "f32" })).toEqual([]);
  });

  test("the case as it was given computes three rounds with one matrix", () => {
    const graph = graphOf(readFileSync("test/compiler/cases/tied-weights.mv", "utf8"));
    expect(weightsOf(graph)).toEqual({ "shared.l.weight": [8, 8], "shared.l.bias": [8] });
    // Ones everywhere: a round gives the sum and one in each place, 28, 8 * 29 + 1 and so on.
    const x = { shape: [1, 8], data: Float32Array.from({ length: 8 }, (_, i) => i) };
    expect([...run(graph, { x }).data]).toEqual(new Array(8).fill((29 * 8 + 1) * 8 + 1));
  });

  test("an embedding tied to the projection out, as PyTorch's users do", () => {
    const text =
      "model M {\n  graph run(x: Tensor<i32, [1, 3]>): Tensor<float, [1, 3, 5]> {\n    return x |> embedding(5, 2) as tied token |> layerNorm() as norm |> linear(5, bias: false) as tied token;\n  }\n}\n";
    expect(weightsOf(graphOf(text))).toEqual({ "token.weight": [5, 2], "norm.weight": [2], "norm.bias": [2] });
  });

  test("blocks that are tied share all that is below, and nothing within one of them is shared by accident", () => {
    const pair = `${res}\nblock Pair<C, H, W>(x: Image<C, H, W>, other: string): Image<C, H, W> {\n  return x |> Res() as res |> Res() as "{other}";\n}`;
    expect(paths(pair, 'return x |> Pair("b") as tied p |> silu() |> Pair("b") as tied p;')).toEqual(
      ["res", "b"].flatMap((label) => same.map((name) => `p.${label}.${name}`)),
    );
    expect(refusals(source(pair, 'return x |> Pair("res") as tied p;')).map(({ message }) => message)).toEqual([
      "the weight path `p.res.gain` is used twice",
    ]);
  });

  test("tied weights of two shapes are refused with both", () => {
    const text = source("", "return x |> conv2d(8, kernel: 1) as tied c |> conv2d(4, kernel: 1) as tied c;");
    expect(refusals(text).map(({ message, related }) => [message, related?.map((place) => place.message)])).toEqual([
      [
        "weights that are tied are of one shape, but `c.weight` is f32 [8, 4, 1, 1] first, and f32 [4, 8, 1, 1] here",
        ["`c.weight` used here first"],
      ],
    ]);
  });
});

test("two graphs of a model may read one weight, of one shape", () => {
  const graphs = (second: number) =>
    `${image}model Tiny<H = 8> {\n${[4, second]
      .map(
        (width, i) =>
          `  graph g${i}(x: Image<4, H, H>): Image<${width}, H, H> {\n    return x |> conv2d(${width}, kernel: 1) as conv;\n  }\n`,
      )
      .join("")}}\n`;
  expect(refusals(graphs(4))).toEqual([]);
  expect(refusals(graphs(5)).map((refusal) => refusal.message)).toEqual([
    "graphs of one model share weights by path, but `conv.weight` is [4, 4, 1, 1] in `g0` and [5, 4, 1, 1] in `g1`",
  ]);
});

test("the model's own keys, spelled out", () => {
  const graphs = graphsOf(magicVideo());
  const denoise = weightsOf(named(graphs, "denoise"));
  const expected = {
    "unet.stem.conv.weight": [320, 4, 3, 3],
    "unet.stem.adaptor.scale": [16, 320],
    "unet.step1.weight": [1280, 320],
    "unet.down.0.unit.1.res.step.weight": [320, 1280],
    "unet.down.1.unit.0.res.skip.weight": [640, 320, 1, 1],
    "unet.down.1.unit.0.attend.space.cross.key.weight": [640, 768],
    "unet.down.0.unit.1.attend.time.attention.key.weight": [320, 320],
    "unet.down.2.halve.conv.weight": [1280, 1280, 3, 3],
    "unet.attend.space.widen.weight": [1280 * 8, 1280],
    "unet.up.3.unit.2.res.conv1.conv.weight": [320, 640, 3, 3],
    "unet.up.2.double.adaptor.shift": [16, 640],
    "unet.head.conv.bias": [4],
  };
  expect(denoise).toMatchObject(expected);
  expect(weightsOf(named(graphs, "encodeText"))).toMatchObject({
    "text.token.weight": [49408, 768],
    "text.position": [77, 768],
    "text.layer.11.attention.project.bias": [768],
  });
});
