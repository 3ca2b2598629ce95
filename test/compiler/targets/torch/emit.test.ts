// The text of emitted PyTorch files: Mini's as it is kept, lines and length as readers and linters want them, and names as the source has them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { emitTorch } from "../../../../compiler/targets/torch/emit.ts";
import { compileCodeOf } from "../../../golden/torch-files.ts";

const emitted = (file: string, preset?: string, ablations: readonly string[] = []) =>
  emitTorch(compileCodeOf(file, { preset, ablations }), "0.0.0", file.split("/").at(-1) ?? "");

test("Mini's file is the one that is kept", () => {
  const text = emitted("models/magicvideo.mv", "Mini");
  if (process.env.UPDATE_GOLDENS) {
    mkdirSync("golden/torch", { recursive: true });
    writeFileSync("golden/torch/mini.py", text);
  }
  expect(text).toBe(readFileSync("golden/torch/mini.py", "utf8"));
});

test("the full size is under 600 lines", () => {
  expect(emitted("models/magicvideo.mv").split("\n").length).toBeLessThan(600);
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
