/** A model and the weights of the moment to a sheet of clips: a few captions of the data, a row of frames each. */

import type { Module } from "../../compiler/module/module.ts";
import type { Clip } from "../../runtime/clip.ts";
import { frameOf } from "../../runtime/clip.ts";
import { contactSheet } from "../../runtime/media/contact-sheet.ts";
import { loadPipeline } from "../../runtime/node/load.ts";
import { type PackageOptions, withPackage } from "./temporary-package.ts";

/** Frames of a clip that are shown, evenly from its first to its last. */
const mostFrames = 8;

/** Whether what a stage trains is what clips are sampled by. */
export function showsIn({ graphs, sampler }: Module, trained: ReadonlySet<string>): boolean {
  const looped = sampler === null ? undefined : graphs.get(sampler.step);
  return sampler?.frames !== undefined && (looped?.values.some((value) => value.kind === "weight" && trained.has(value.path)) ?? false);
}

/**
 * The bytes of a PNG, the same for the same weights: caption i is sampled from the noise of seed i. `folder` takes a package for the time of the sampling.
 * @throws MvcError as `loadPipeline` and `sample`, `disk-full`, `write-failed`, `aborted`
 */
export async function sampleSheet(
  module: Module,
  weights: ReadonlyMap<string, Float32Array>,
  { folder, captions, tokenizer, signal }: SheetOptions,
): Promise<Uint8Array> {
  const clips = await withPackage(module, weights, { folder, tokenizer, signal }, (path) => sampledClips(path, module, captions));
  return contactSheet(rows(clips), {
    columns: Math.min(mostFrames, clips[0]?.frameCount ?? 1),
    about: { prompts: captions.join("\n") },
  });
}

/** Caption i from the noise of seed i. */
export async function sampledClips(path: string, { sampler }: Module, captions: readonly string[]): Promise<readonly Clip[]> {
  const pipeline = await loadPipeline(path, { backend: "onnx" });
  try {
    const takesText = sampler?.conditions.some(({ from }) => from === "text") ?? false;
    const requests = captions.map((prompt, seed) => ({ ...(takesText ? { prompt } : {}), seed }));
    return await pipeline.sampleAll(requests, { longPrompt: "truncate" });
  } finally {
    await pipeline.dispose();
  }
}

export interface SheetOptions extends PackageOptions {
  readonly captions: readonly string[];
}

/** Some frames of each clip, one clip after the other. */
function rows(clips: readonly Clip[]): Clip {
  const [{ width = 1, height = 1, frameCount = 1 } = {}] = clips;
  const shown = Math.min(mostFrames, frameCount);
  const at = (i: number) => (shown === 1 ? 0 : Math.round((i * (frameCount - 1)) / (shown - 1)));
  const frames = clips.flatMap((clip) => Array.from({ length: shown }, (_, i) => frameOf(clip, at(i))));
  const all = new Uint8ClampedArray(frames.length * width * height * 4);
  for (const [i, frame] of frames.entries()) all.set(frame, i * width * height * 4);
  return { width, height, frameCount: frames.length, frames: all };
}
