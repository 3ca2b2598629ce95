// Emitted PyTorch against the goldens: every op, block, shipped model and ablation, by each PyTorch that is here.

import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { expandModel } from "../../compiler/compile.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { check } from "../../dsl/index.ts";
import { caseNames, type GoldenCase, host, readCase } from "./cases.ts";
import { graphNameOf, inputsOf, opModel, opWeights } from "./op-models.ts";
import { compileCodeOf, pythons, runTorchFiles, type TorchFile, weightShapes, writeTorchFiles } from "./torch-files.ts";

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
  return { code: compileCodeOf(file, choices, from), weights: weightShapes(expanded.value.graphs.values()) };
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

describe.skipIf(pythons.length === 0)("PyTorch", () => {
  const files = pythons.length === 0 ? [] : [opFile(), ...goldenFiles()];
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
