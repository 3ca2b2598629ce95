/** The denoiser's stage of Mini, and inputs for it that are the same in every run: what benches of a training step compute. */

import { soundProgram } from "../cli/program.ts";
import { compileTraining } from "../compiler/compile-training.ts";
import type { LossStage } from "../compiler/module/training.ts";
import { normals, uniforms } from "../runtime/sampler/random.ts";
import { elements, f32, i32, type TensorData } from "../runtime/tensor.ts";

/** As models/magicvideo.mv declares it, at a batch of so many clips. */
export function denoiser(clips: number): LossStage {
  const sound = soundProgram("models/magicvideo.mv");
  const training = sound && compileTraining(sound.program, { preset: "Mini", precision: "f32" }, clips);
  const stage = training?.ok ? training.value.stages.find(({ name }) => name === "denoiser") : undefined;
  if (stage?.kind !== "loss") throw new Error("models/magicvideo.mv declares no denoiser");
  return stage;
}

/** Anything will do, and the same for all that is compared. */
export function inputOf(name: string, shape: readonly number[]): TensorData {
  const count = elements(shape);
  const upTo = (most: number, stream: number) => uniforms(1, stream, count).map((u) => Math.floor(most * u));
  if (name === "tokens") return i32(shape, Int32Array.from(upTo(32, 1)));
  if (name === "t") return f32(shape, upTo(1000, 2));
  if (name === "signal") return f32(shape, new Float32Array(count).fill(0.6));
  return name === "sigma" ? f32(shape, new Float32Array(count).fill(0.8)) : f32(shape, normals(1, name === "z" ? 3 : 4, count));
}
