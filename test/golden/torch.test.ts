// Emitted PyTorch against the goldens: every op, block, shipped model and ablation, by each PyTorch that is here.

import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import { expandModel } from "../../compiler/compile.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { check, type Host } from "../../dsl/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { caseNames, type GoldenCase, goldenWeight, host, readCase } from "./cases.ts";
import { graphNameOf, inputsOf, opModel, opWeights } from "./op-models.ts";
import { compileCodeOf, pythons, runTorchFiles, type TorchFile, weightShapes, writeTorchFiles } from "./torch-files.ts";
import { awkward } from "./torch-names.ts";

/** Two engines sum the same products in different orders: f32 rounding over the depth of the network reaches some 1e-5. */
const tolerance = 1e-4;

const field = (golden: GoldenCase, name: string): string => golden.metadata.get(name) ?? "";

/** Cases of one file and configuration are one emitted file. */
function goldenFiles(): TorchFile[] {
  const groups = new Map<string, GoldenCase[]>();
  for (const golden of [...caseNames("block"), ...caseNames("graph"), ...caseNames("family")].map(readCase)) {
    const isBlock = field(golden, "kind") === "block";
    const file = field(golden, "file") || (isBlock ? "golden/cases/blocks.mv" : "models/magicvideo.mv");
    const preset = field(golden, "preset") || (isBlock ? "Small" : "Mini");
    const key = JSON.stringify([file, preset, field(golden, "ablation")]);
    groups.set(key, [...(groups.get(key) ?? []), golden]);
  }
  return [...groups].map(([key, cases]) => {
    const [file, preset, ablation] = JSON.parse(key) as [string, string, string];
    const choices = { preset, ablations: ablation === "" ? [] : [ablation] };
    return { name: key, ...readModel(file, choices), cases: cases.map((golden) => ({ graph: field(golden, "graph"), golden })) };
  });
}

function readModel(file: string, choices: Partial<Choices>, from = host) {
  const { program } = check(file, from, opSignatures);
  const expanded = program && expandModel(program, { precision: "f32", ...choices });
  if (!expanded?.ok) throw new Error(`${file} does not expand`);
  const { graphs } = expanded.value;
  return { code: compileCodeOf(file, choices, from), weights: weightShapes(graphs.values()), graphs };
}

function opFile(): TorchFile {
  const cases = caseNames("op").map(readCase);
  const weights = opWeights(cases);
  return {
    name: "ops",
    ...readModel("ops.mv", {}, opModel(cases)),
    weight: (path) => weights.get(path) as Float32Array,
    cases: cases.map((golden) => ({ graph: graphNameOf(golden), golden, inputs: inputsOf(golden) })),
  };
}

/** By the reference interpreter: PyTorch has no model of it. */
function awkwardFile(): TorchFile {
  const from: Host = { read: (path) => (path === "awkward.mv" ? awkward : undefined), resolve: (_, path) => path };
  const { code, weights, graphs } = readModel("awkward.mv", {}, from);
  const x = { dtype: "f32", shape: [2, 6], data: normals(7, 1, 12) } as const;
  const weightOf = (path: string) => {
    const shape = weights.get(path) ?? [];
    return { shape, data: goldenWeight(path, shape) };
  };
  const cases = [...graphs].map(([graph, expanded]) => {
    const { shape, data } = [...interpret(expanded, new Map([["x", x]]), weightOf).values()][0] as { shape: number[]; data: Float32Array };
    const tensors = new Map([["output", { dtype: "f32", shape, data } as const]]);
    return { graph, golden: { name: graph, metadata: new Map(), inputs: new Map([["x", x]]), tensors } };
  });
  return { name: "awkward", code, weights, cases };
}

describe.skipIf(pythons.length === 0)("PyTorch", () => {
  const files = pythons.length === 0 ? [] : [opFile(), awkwardFile(), ...goldenFiles()];
  const folder = pythons.length === 0 ? "" : writeTorchFiles(files);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(pythons)("$version", ({ python }) => {
    const results = runTorchFiles(folder, python);
    test.each(files.map((file) => [file.name, file] as const))("%s", (name, file) => {
      const result = results.get(name);
      expect(result?.failure).toBeUndefined();
      expect(result?.keys).toEqual([...file.weights.keys()].sort());
      const wrong = Object.entries(result?.errors ?? {}).filter(([, error]) => !(typeof error === "number" && error < tolerance));
      expect(wrong).toEqual([]);
      expect(Object.keys(result?.errors ?? {})).toHaveLength(file.cases.length);
    });
  });
});
