// One graph of a compiled model, with weights that a function gives, and its inputs to its first output: by the interpreter, by ONNX Runtime, on the device.

import { rmSync } from "node:fs";
import { interpret } from "../../compiler/analysis/interpret.ts";
import type { Module } from "../../compiler/module/module.ts";
import { onnxRunner, openPackage, packageFolder, type Tensors } from "../../runtime/index.ts";
import type { GraphRunner } from "../../runtime/session.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { named, weightsOf } from "../compiler/expand/expanded.ts";
import { openRunnerOnShared } from "../gpu.ts";
import { plansOf, writePackage } from "./package-folder.ts";

export type WeightOf = (path: string, shape: readonly number[]) => Float32Array;

/** One output for each of `feeds`, which all go through the same package. */
export type Engine = (module: Module, graph: string, feeds: readonly Tensors[], weightOf: WeightOf) => Promise<Float32Array[]>;

const alone = (module: Module, graph: string): Module => ({
  ...module,
  graphs: new Map([[graph, named(module.graphs, graph)]]),
  sampler: null,
});

const firstOf = (outputs: Tensors): Float32Array => floatsOf(Object.values(outputs)[0] as TensorData);

export const byInterpreter: Engine = async (module, name, feeds, weightOf) => {
  const graph = named(module.graphs, name);
  const weights = new Map(Object.entries(weightsOf(graph)).map(([path, shape]) => [path, { shape, data: weightOf(path, shape) }]));
  return feeds.map((given) => {
    const inputs = new Map(Object.entries(given).map(([input, { shape, data }]) => [input, { shape, data: data as Float32Array }]));
    const outputs = interpret(graph, inputs, (path) => weights.get(path) as { shape: readonly number[]; data: Float32Array });
    return [...outputs.values()][0]?.data as Float32Array;
  });
};

async function runAll(folder: string, open: Promise<GraphRunner>, graph: string, feeds: readonly Tensors[]): Promise<Float32Array[]> {
  try {
    const runner = await open;
    try {
      const outputs: Float32Array[] = [];
      for (const given of feeds) outputs.push(firstOf(await runner.run(graph, given)));
      return outputs;
    } finally {
      await runner.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const byOnnx: Engine = async (module, graph, feeds, weightOf) => {
  const folder = writePackage(alone(module, graph), weightOf);
  const runner = openPackage(packageFolder(folder)).then((pack) => onnxRunner(pack, folder, { threads: 1 }));
  return runAll(folder, runner, graph, feeds);
};

export const byWebGpu: Engine = async (module, graph, feeds, weightOf) => {
  const one = alone(module, graph);
  const folder = writePackage(one, weightOf, undefined, { onnx: false, plans: plansOf(one) });
  return runAll(folder, openRunnerOnShared(folder), graph, feeds);
};
