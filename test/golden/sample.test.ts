// The whole loop: the trained Mini samples the clip that the PyTorch reference sampled, from the same prompt and seed.

import { readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { halfToFloat } from "../../runtime/half.ts";
import { frameOf, loadPipeline } from "../../runtime/index.ts";
import { parseSafetensorsHeader, storedToTensor } from "../../runtime/safetensors.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { compileFile, readCase, relativeError } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

/** Fifty steps feed each rounding difference of about 1e-6 back into the network; guidance multiplies it. */
const tolerance = 1e-3;

test("a trained Mini samples PyTorch's clip", { timeout: 120_000 }, async () => {
  const golden = readCase("sample-mini");
  const bytes = readFileSync("models/mini.safetensors");
  const { tensors } = parseSafetensorsHeader(bytes, bytes.byteLength, "models/mini.safetensors");
  const trained = (path: string): Float32Array => {
    const stored = tensors.get(path);
    if (stored === undefined) throw new Error(`models/mini.safetensors lacks ${path}`);
    const tensor = storedToTensor(stored, bytes.subarray(stored.start, stored.end), path);
    return tensor.dtype === "f16" ? Float32Array.from(tensor.data, halfToFloat) : Float32Array.from(tensor.data);
  };
  const folder = writePackage(compileFile("models/magicvideo.mv", { preset: "Mini" }), trained, "models/mini.tokenizer.json");
  const pipeline = await loadPipeline(folder);
  try {
    const setting = (name: string) => Number(golden.metadata.get(name));
    const clip = await pipeline.sample(golden.metadata.get("prompt") ?? "", {
      seed: setting("seed"),
      steps: setting("steps"),
      guidance: setting("guidance"),
      eta: setting("eta"),
    });
    expect(relativeError(floatsOf(clip.latent), floatsOf(golden.tensors.get("latents") as TensorData))).toBeLessThan(tolerance);
    // Bytes: a value near a half may round either way, never further.
    const frames = golden.tensors.get("frames") as TensorData;
    const pixels = Array.from({ length: clip.frameCount }, (_, f) => [...frameOf(clip, f)].filter((_, i) => i % 4 !== 3)).flat();
    expect(pixels.length).toBe(frames.data.length);
    const farthest = pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - (frames.data[i] ?? -1000))), 0);
    expect(farthest).toBeLessThanOrEqual(1);
  } finally {
    await pipeline.dispose();
    rmSync(folder, { recursive: true });
  }
});
