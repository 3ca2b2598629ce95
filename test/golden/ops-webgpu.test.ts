// Each op alone, at odd shapes, on the device against PyTorch, in both precisions.

import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { noGpu, openRunnerOnShared } from "../gpu.ts";
import { tolerances } from "./beside-interpreter.ts";
import { caseNames, compileFile, type GoldenCase, readCase, relativeError } from "./cases.ts";
import { isWave, opGraph } from "./op-graph.ts";
import { plansOf, writePackage } from "./package-folder.ts";

const frame = compileFile("golden/cases/blocks.mv", { preset: "Small" });

async function onDevice(golden: GoldenCase, dtype: "f32" | "f16"): Promise<TensorData> {
  const graph = opGraph(golden, dtype, true);
  const alone = { ...frame, graphs: new Map([[graph.name, graph]]), sampler: null };
  const weightOf = (path: string) => golden.inputs.get(path)?.data as Float32Array;
  const folder = writePackage(alone, weightOf, undefined, { onnx: false, plans: plansOf(alone) });
  const runner = await openRunnerOnShared(folder);
  try {
    const inputs = graph.values.flatMap((value) => (value.kind === "input" ? [[value.name, golden.inputs.get(value.name)] as const] : []));
    return (await runner.run(graph.name, Object.fromEntries(inputs) as Record<string, TensorData>)).output as TensorData;
  } finally {
    await runner.dispose();
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(noGpu !== undefined).each(["f32", "f16"] as const)("%s on WebGPU", (dtype) => {
  test.each(caseNames("op").filter((name) => dtype === "f32" || !isWave(name)))("%s", async (name) => {
    const golden = readCase(name);
    const found = await onDevice(golden, dtype);
    expect(found.shape).toEqual(golden.tensors.get("output")?.shape);
    expect(relativeError(floatsOf(found), floatsOf(golden.tensors.get("output") as TensorData))).toBeLessThan(tolerances[dtype]);
  });
});
