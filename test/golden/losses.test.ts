// The losses of MagicVideo's stages against PyTorch: every output, as training gets the graphs.

import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { compileTraining } from "../../compiler/compile-training.ts";
import { loadPipeline } from "../../runtime/index.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { programOfFile } from "../compiler/expand/expanded.ts";
import { compileFile, goldenWeight, readCase } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

/** As of whole graphs: two engines sum the same products in different orders. */
const tolerance = 1e-4;

const file = "models/magicvideo.mv";
const compiled = compileFile(file, { preset: "Mini" });
const trained = compileTraining(programOfFile(file), { preset: "Mini", precision: "f32" }, 2);
if (!trained.ok) throw new Error(trained.diagnostics.map(({ message }) => message).join("\n"));
const losses = new Map(trained.value.stages.flatMap((stage) => (stage.kind === "loss" ? [[stage.name, stage.loss] as const] : [])));

test("every loss has a case", () => {
  expect([...losses.keys()]).toEqual(["autoencoder", "videoDecoder", "denoiser"]);
});

test.each([...losses])("%s", async (stage, loss) => {
  const golden = readCase(`loss-${stage}`);
  const folder = writePackage({ ...compiled, graphs: new Map([[loss.name, loss]]), sampler: null }, goldenWeight);
  try {
    const pipeline = await loadPipeline(folder, { threads: 1 });
    const outputs = await pipeline.run(loss.name, Object.fromEntries(golden.inputs));
    await pipeline.dispose();
    const found = loss.outputs.flatMap(({ name }) => [...floatsOf(outputs[name] as TensorData)]);
    const expected = floatsOf(golden.tensors.get("output") as TensorData);
    expect(found.length).toBe(expected.length);
    for (const [i, value] of found.entries())
      expect(Math.abs(value / (expected[i] ?? 0) - 1), `output ${i}: ${value}`).toBeLessThan(tolerance);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
