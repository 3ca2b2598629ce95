// Every block and graph against the tensors that the hand-written PyTorch model made: by the interpreter and by ONNX Runtime.

import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import { loadPipeline } from "../../runtime/index.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { caseNames, compileFile, type GoldenCase, goldenWeight, readCase, relativeError, shortened } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

/** Three engines sum the same products in different orders: f32 rounding over the depth of the network reaches some 1e-5. */
const tolerance = 1e-4;

interface Built {
  readonly file: string;
  readonly preset: string;
  readonly ablation: string;
  readonly batch: number;
}

function builtFor({ metadata }: GoldenCase): Built {
  const block = metadata.get("kind") === "block";
  return {
    file: block ? "golden/cases/blocks.mv" : "models/magicvideo.mv",
    preset: metadata.get("preset") ?? (block ? "Small" : "Mini"),
    ablation: metadata.get("ablation") ?? "",
    batch: Number(metadata.get("batch") ?? "1"),
  };
}

/** Of graphs by the interpreter: enough for attention along time to have a past. */
const frames = 4;

const cases = [...caseNames("block"), ...caseNames("graph")].map(readCase);
const groups = new Map<string, GoldenCase[]>();
for (const golden of cases) {
  const key = JSON.stringify(builtFor(golden));
  groups.set(key, [...(groups.get(key) ?? []), golden]);
}

function expected(golden: GoldenCase): Float32Array {
  return floatsOf(golden.tensors.get("output") as TensorData);
}

function graphOf(golden: GoldenCase): string {
  return golden.metadata.get("graph") ?? "";
}

describe.each([...groups])("%s", (key, members) => {
  const { file, preset, ablation, batch } = JSON.parse(key) as Built;
  const compiled = compileFile(file, { preset, ablations: ablation === "" ? [] : [ablation], settings: batch === 1 ? {} : { B: batch } });

  test.each(members.map((golden) => [golden.name, golden] as const))("%s by ONNX Runtime", async (_, golden) => {
    // Alone: the blocks' graphs all call their weights `block.…`.
    const graph = compiled.graphs.get(graphOf(golden));
    if (graph === undefined) throw new Error(`no graph ${graphOf(golden)}`);
    const folder = writePackage({ ...compiled, graphs: new Map([[graph.name, graph]]), sampler: null }, goldenWeight);
    const pipeline = await loadPipeline(folder, { threads: 1 });
    try {
      const outputs = await pipeline.run(graphOf(golden), Object.fromEntries(golden.inputs));
      expect(relativeError(floatsOf(Object.values(outputs)[0] as TensorData), expected(golden))).toBeLessThan(tolerance);
    } finally {
      await pipeline.dispose();
      rmSync(folder, { recursive: true });
    }
  });

  // The interpreter takes seconds for a whole network: it runs each block in both forms, and of the graphs those of the baseline once, on a few frames.
  const small = members.filter((golden) => golden.metadata.get("kind") === "block" || (ablation === "" && batch === 1));
  test.each(small.map((golden) => [golden.name, golden] as const))("%s by the interpreter, before and after the passes", (_, whole) => {
    const isGraph = whole.metadata.get("kind") === "graph";
    const golden = isGraph ? shortened(whole, frames) : whole;
    const module = isGraph ? compileFile(file, { preset, settings: { F: frames } }) : compiled;
    const inputs = new Map([...golden.inputs].map(([name, tensor]) => [name, { shape: tensor.shape, data: tensor.data as Float32Array }]));
    const weights = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const graphs of isGraph ? [module.graphs] : [module.written, module.graphs]) {
      const graph = graphs.get(graphOf(golden));
      if (graph === undefined) throw new Error(`no graph ${graphOf(golden)}`);
      for (const value of graph.values) {
        if (value.kind === "weight") weights.set(value.path, { shape: value.type.shape, data: goldenWeight(value.path, value.type.shape) });
      }
      const outputs = interpret(graph, inputs, (path) => weights.get(path) as { shape: readonly number[]; data: Float32Array });
      expect(relativeError([...outputs.values()][0]?.data ?? [], expected(golden))).toBeLessThan(tolerance);
    }
  });
});
