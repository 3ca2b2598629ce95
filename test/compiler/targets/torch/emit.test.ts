// The text of emitted PyTorch files: Mini's as it is kept, lines and length as readers and linters want them, and names as the source has them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { TrainingCode } from "../../../../compiler/module/training-code.ts";
import { emitTorch } from "../../../../compiler/targets/torch/emit.ts";
import { emitTraining } from "../../../../compiler/targets/torch/emit-training.ts";
import type { Host } from "../../../../dsl/index.ts";
import { compileCodeOf, compileTrainingCodeOf } from "../../../golden/torch-files.ts";

const emitted = (file: string, preset?: string, ablations: readonly string[] = []) =>
  emitTorch(compileCodeOf(file, { preset, ablations }), "0.0.0", file.split("/").at(-1) ?? "");

const trainings = new Map<string, TrainingCode>();

function trainingOf(file: string, preset?: string): TrainingCode {
  const key = `${file} ${preset}`;
  const code = trainings.get(key) ?? compileTrainingCodeOf(file, { preset });
  trainings.set(key, code);
  return code;
}

const emittedTraining = (file: string, preset?: string) => emitTraining(trainingOf(file, preset), "0.0.0", file.split("/").at(-1) ?? "");

test.each([
  ["mini.py", emitted],
  ["mini_train.py", emittedTraining],
] as const)("Mini's %s is the one that is kept", (name, write) => {
  const text = write("models/magicvideo.mv", "Mini");
  const path = `golden/torch/${name}`;
  if (process.env.UPDATE_GOLDENS) {
    mkdirSync("golden/torch", { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, "utf8"));
});

test("what a loss calls as the model does is the model's own; by other arguments its class, or one of its own, reads the same weights", () => {
  const text = emittedTraining("models/magicvideo.mv", "Mini");
  expect(text).toContain('self.decoder = tied(VideoDecoder2(Z, vaeWidths), model, "decoder")');
  expect(text).toContain('            ImageEncoder(Z, vaeWidths, 2 * Z), model, "encoder"');
  expect(text).not.toContain("class ImageEncoder");
  // Full size trains no image autoencoder, and needs no decoder without time.
  expect(emittedTraining("models/magicvideo.mv")).not.toContain("class VideoDecoder2");
});

test("the model is the same beside its losses", () => {
  const { model } = trainingOf("models/magicvideo.mv", "Mini");
  expect(emitTorch(model, "0.0.0", "magicvideo.mv")).toBe(readFileSync("golden/torch/mini.py", "utf8"));
});

test("a tensor whose type's name stands for f32 is none of the build's precision", () => {
  const source = `dim B = 2;
type Level = Tensor<f32, [B]>;
block Told<C>(t: Level, x: Tensor<float, [B, C]>): Tensor<float, [B, C]> { return x + view(float(range(C)), [1, C]) + view(float(t), [B, 1]); }
model M { graph run(t: Level, x: Tensor<float, [B, 4]>): Tensor<float, [B, 4]> { return Told(t, x); } }
`;
  const from: Host = { read: (path) => (path === "m.mv" ? source : undefined), resolve: (_, path) => path };
  const text = emitTorch(compileCodeOf("m.mv", { precision: "f16" }, from), "0.0.0", "m.mv");
  expect(text).toContain("torch.arange(C, dtype=x.dtype, device=x.device)");
  expect(text).toContain("t.to(x.dtype)");
});

test("the full size is under 600 lines", () => {
  expect(emitted("models/magicvideo.mv").split("\n").length).toBeLessThan(600);
});

test("no line of a training is too long", () => {
  for (const file of ["models/magicvideo.mv", "models/video-diffusion/unet.mv"]) {
    const lines = emittedTraining(file, "Mini").split("\n");
    expect(lines.filter((line) => line.length > 79 || /\s$/.test(line))).toEqual([]);
  }
});

test.each([
  ["models/magicvideo.mv", undefined],
  ["models/stable-video-diffusion/unet.mv", "Mini"],
  ["models/controlnet/unet.mv", "Mini"],
  ["models/wan/vae.mv", "Mini"],
  ["models/latte/latte.mv", "Mini"],
] as const)("%s has no line that flake8 finds too long, and no trailing space", (file, preset) => {
  const lines = emitted(file, preset).split("\n");
  expect(lines.filter((line) => line.length > 79)).toEqual([]);
  expect(lines.filter((line) => /\s$/.test(line))).toEqual([]);
});

test("branches that an ablation decides are gone, and so are the classes that only they need", () => {
  const text = emitted("models/magicvideo.mv", "Mini", ["ImageModel"]);
  expect(text).not.toMatch(/class (Adaptor|Time)\b/);
  expect(text).toContain("class FrameConv(nn.Module):");
  expect(emitted("models/magicvideo.mv", "Mini")).toMatch(/class Adaptor\(nn\.Module\):[\s\S]*class Time\(nn\.Module\):/);
});
