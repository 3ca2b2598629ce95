// The gradients of blocks, and of Mini's text encoder and U-Net, against PyTorch's autograd, by ONNX Runtime; of a smaller U-Net by the interpreter too.

import { describe, expect, it, test } from "vitest";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { differentiate, gradientName } from "../../../compiler/differentiate/differentiate.ts";
import { type Graph, sizeOf } from "../../../compiler/graph/graph.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { onnxPasses, runPasses } from "../../../compiler/passes/passes.ts";
import { normals, streamOf, uniforms } from "../../../runtime/sampler/random.ts";
import { caseNames, compileFile, goldenWeight, readCase } from "../../golden/cases.ts";
import { expectRows, type GradientGolden, gradientGoldens, rowOf } from "../../golden/gradient-rows.ts";
import { outputsByOnnx, type Run } from "../ops/one-op.ts";
import { meanSquare, weightPaths } from "./central.ts";

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

function agree(graph: Graph, outputs: ReadonlyMap<string, Tensor>, { losses: [loss = 0], rows }: GradientGolden): void {
  expect(Math.abs((outputs.get("loss")?.data[0] ?? Number.NaN) / loss - 1)).toBeLessThan(1e-5);
  const found = weightPaths(graph).map((path) => [path, rowOf((outputs.get(gradientName(path)) as Tensor).data)] as const);
  expectRows(new Map(found), rows);
}

async function agreeByOnnx(graph: Graph, run: Run, golden: GradientGolden): Promise<void> {
  const made = runPasses(runPasses(differentiate(graph, weightPaths(graph))), onnxPasses);
  agree(graph, await outputsByOnnx(made, run), golden);
}

describe("blocks", () => {
  const golden = gradientGoldens("blocks");

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
  const golden = gradientGoldens("magicvideo");

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
