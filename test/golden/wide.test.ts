// Blocks at the widths of Stable Diffusion v1 against PyTorch in f64, by every backend; the interpreter would take minutes.

import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPipeline, type Pipeline } from "../../runtime/index.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { noGpu, openOnGpu } from "../gpu.ts";
import { caseNames, compileFile, goldenWeight, readCase, relativeError } from "./cases.ts";
import { plansOf, writePackage } from "./package-folder.ts";

/**
 * The longest sums are of 11,520 products (3 x 3 x 1280). ONNX Runtime's f32 was measured 2e-7 to 4e-7 from the f64 results; a GPU may sum one
 * product after the other, which loses some 1e-5, and approximates the exponential.
 */
const tolerance = 1e-4;

/** A backend's name and how it opens a package folder. */
const backends: readonly (readonly [string, (folder: string) => Promise<Pipeline>])[] = [
  ["ONNX Runtime", (folder) => loadPipeline(folder, { threads: 1, backend: "onnx" })],
  ...(noGpu === undefined ? [["WebGPU", openOnGpu] as const] : []),
];

const compiled = compileFile("golden/cases/wide.mv", { preset: "Short" });
const cases = caseNames("wide").map((name) => [name, readCase(name)] as const);

test("both blocks at both widths have a case", () => {
  expect(cases.map(([name]) => name).sort()).toEqual(["wide-resBlock1280", "wide-resBlock320", "wide-spaceTime1280", "wide-spaceTime320"]);
});

describe.each(cases)("%s", (_, golden) => {
  const name = golden.metadata.get("graph") ?? "";
  let folder = "";

  // One package for all backends: making its 30 to 40 million weights takes longer than running it.
  beforeAll(() => {
    const graph = compiled.graphs.get(name);
    if (graph === undefined) throw new Error(`no graph ${name}`);
    const alone = { ...compiled, graphs: new Map([[name, graph]]), sampler: null };
    folder = writePackage(alone, goldenWeight, undefined, { onnx: true, plans: plansOf(alone) });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(backends)("%s", async (_, open) => {
    const pipeline = await open(folder);
    try {
      const [found] = Object.values(await pipeline.run(name, Object.fromEntries(golden.inputs)));
      const expected = golden.tensors.get("output") as TensorData;
      expect(found?.shape).toEqual(expected.shape);
      expect(relativeError(floatsOf(found as TensorData), floatsOf(expected))).toBeLessThan(tolerance);
    } finally {
      await pipeline.dispose();
    }
  });
});
