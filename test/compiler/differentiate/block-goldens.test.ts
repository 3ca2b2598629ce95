// The gradients of blocks, and of Mini's text encoder and U-Net, against PyTorch's autograd, by ONNX Runtime; of a smaller U-Net by the interpreter too.

import { describe, expect, it, test } from "vitest";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { differentiate, gradientName } from "../../../compiler/differentiate/differentiate.ts";
import { type Graph, sizeOf } from "../../../compiler/graph/graph.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { onnxPasses, runPasses } from "../../../compiler/passes/passes.ts";
import { normals, streamOf, uniforms } from "../../../runtime/sampler/random.ts";
import { floatsOf, type TensorData } from "../../../runtime/tensor.ts";
import { caseNames, compileFile, goldenWeight, readCase, readTensors } from "../../golden/cases.ts";
import { outputsByOnnx, type Run } from "../ops/one-op.ts";
import { meanSquare, weightPaths } from "./central.ts";

/** Of each weight |g|, then g · v for some v, as golden/reference/make_gradients.py says. */
type Rows = ReadonlyMap<string, readonly number[]>;

const directions = 4;

interface Golden {
  readonly loss: number;
  readonly rows: Rows;
}

function goldensIn(file: string): (name: string) => Golden {
  const { metadata, tensors } = readTensors(`golden/gradients/${file}.safetensors`);
  const numbers = (key: string) => floatsOf(tensors.get(key) as TensorData);
  return (name) => {
    const paths = metadata.get(name)?.split("\n") ?? [];
    const all = numbers(`${name}/rows`);
    const width = 1 + directions;
    const rows = new Map(paths.map((path, i) => [path, [...all.subarray(i * width, (i + 1) * width)]]));
    return { loss: numbers(`${name}/loss`)[0] ?? Number.NaN, rows };
  };
}

/** Those of a long direction begin with those of a short one. */
const longest = 2 ** 19;
const vectors = Array.from({ length: directions }, (_, k) => normals(7, streamOf(`direction ${k}`), longest));

function rowOf({ data }: Tensor): readonly number[] {
  const dot = (a: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += (data[i] as number) * (a[i] as number);
    return sum;
  };
  return [Math.sqrt(dot(data)), ...vectors.map(dot)];
}

/** Weights by their names, and of the inputs those that are given: the others are normals of their own stream. */
function runOf(graph: Graph, name: string, given: ReadonlyMap<string, Tensor>): Run {
  const inputs = new Map<string, Tensor>();
  const weights = new Map<string, Tensor>();
  for (const value of graph.values) {
    const { shape } = value.type;
    if (value.kind === "weight") weights.set(value.path, { shape, data: goldenWeight(value.path, shape) });
    if (value.kind !== "input") continue;
    const known = given.get(value.name);
    inputs.set(value.name, known ?? { shape, data: normals(7, streamOf(`${name}/${value.name}`), sizeOf(shape)) });
  }
  return { inputs, weights };
}

function agree(graph: Graph, outputs: ReadonlyMap<string, Tensor>, { loss, rows }: Golden): void {
  const paths = weightPaths(graph);
  expect([...paths].sort()).toEqual([...rows.keys()]);
  expect(Math.abs((outputs.get("loss")?.data[0] ?? Number.NaN) / loss - 1)).toBeLessThan(1e-5);
  const squared = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x * x, 0);
  const whole = Math.sqrt(squared([...rows.values()].map(([norm = 0]) => norm)));
  let errors = 0;
  for (const path of paths) {
    const found = rowOf(outputs.get(gradientName(path)) as Tensor);
    const expected = rows.get(path) ?? [];
    const differences = found.map((x, k) => x - (expected[k] as number));
    errors += squared(differences.slice(1)) / directions;
    // Each weight by itself, within a ten thousandth; of true gradients of zero (a key's bias) nothing is left but what rounding makes of the whole.
    const limit = 1e-4 * (expected[0] as number) + 1e-6 * whole;
    // A direction's share of an error is a normal number times its size: three deviations.
    expect([path, differences]).toEqual([path, differences.map(() => expect.toSatisfy((x: number) => Math.abs(x) <= 3 * limit))]);
  }
  // An estimate of |error| over |gradient|, good to a tenth over a few dozen weights.
  expect(Math.sqrt(errors) / whole).toBeLessThan(1e-5);
}

async function agreeByOnnx(graph: Graph, run: Run, golden: Golden): Promise<void> {
  const made = runPasses(runPasses(differentiate(graph, weightPaths(graph))), onnxPasses);
  agree(graph, await outputsByOnnx(made, run), golden);
}

describe("blocks", () => {
  const golden = goldensIn("blocks");

  it.each(caseNames("block"))("%s", async (name) => {
    const { metadata, inputs } = readCase(name);
    const ablation = metadata.get("ablation") ?? "";
    const choices = { preset: metadata.get("preset"), ablations: ablation === "" ? [] : [ablation] };
    const forward = compileFile(metadata.get("file") ?? "", choices).graphs.get(metadata.get("graph") ?? "");
    const graph = meanSquare(forward as Graph);
    await agreeByOnnx(graph, runOf(graph, name, inputs as ReadonlyMap<string, Tensor>), golden(name));
  });
});

describe("the whole", () => {
  const golden = goldensIn("magicvideo");

  function lossOf(preset: string, batch: number) {
    const name = `magicvideo-${preset}`;
    const graph = compileFile("golden/gradients/magicvideo.mv", { preset, settings: { B: batch } }).graphs.get("loss") as Graph;
    const ids = graph.values.find((value) => value.kind === "input" && value.name === "tokens");
    const shape = ids?.type.shape ?? [];
    const tokens = Int32Array.from(uniforms(7, streamOf(`${name}/tokens`), sizeOf(shape)), (x) => Math.floor(x * 32));
    const given = new Map<string, Tensor>([
      ["tokens", { shape, data: tokens }],
      ["t", { shape: [batch], data: Float32Array.from([7, 0.5].slice(0, batch)) }],
    ]);
    return { graph, run: runOf(graph, name, given), golden: golden(name) };
  }

  test("Mini, by ONNX Runtime", async () => {
    const { graph, run, golden } = lossOf("Mini", 1);
    await agreeByOnnx(graph, run, golden);
  });

  test("a smaller one, by the interpreter", () => {
    const { graph, run, golden } = lossOf("Small", 2);
    const weight = (path: string) => run.weights.get(path) as Tensor;
    agree(graph, interpret(differentiate(graph, weightPaths(graph)), run.inputs, weight), golden);
  });
});
