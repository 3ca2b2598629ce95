// A package built with `--precision f16` against PyTorch's f32 results.

import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { loadPipeline } from "../../runtime/index.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { compileFile, goldenWeight, readCase, relativeError } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

/** Halves carry 11 bits: each of some hundred ops in a row may be wrong by 5e-4 of its value. */
const tolerance = 2e-2;

test.each(["encodeText", "denoise", "decode", "encode"])("%s in halves", async (name) => {
  const golden = readCase(`graph-${name}`);
  const compiled = compileFile("models/magicvideo.mv", { preset: "Mini", precision: "f16" });
  const graph = compiled.graphs.get(name);
  if (graph === undefined) throw new Error(`no graph ${name}`);
  const folder = writePackage({ ...compiled, graphs: new Map([[name, graph]]), sampler: null }, goldenWeight);
  const pipeline = await loadPipeline(folder, { threads: 1 });
  try {
    const found = Object.values(await pipeline.run(name, Object.fromEntries(golden.inputs)))[0] as TensorData;
    expect(found.dtype).toBe("f16");
    const expected = floatsOf(golden.tensors.get("output") as TensorData);
    expect(relativeError(floatsOf(found), expected)).toBeLessThan(tolerance);
  } finally {
    await pipeline.dispose();
    rmSync(folder, { recursive: true });
  }
});
