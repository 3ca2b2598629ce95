// Labels to weight paths: the checkpoint's keys, which are the ONNX initialisers' names and the profiler's rows (law 6).

import { expect, test } from "vitest";
import type { WeightInitialiser } from "../../../compiler/graph/graph.ts";
import { graphOf, graphsOf, magicVideo, named, refusals, weightsOf } from "./expanded.ts";

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
