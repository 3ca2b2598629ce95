/** A model and the weights of the moment to a sheet of clips: a few captions of the data, a row of frames each. */

import { mkdirSync } from "node:fs";
import type { Module } from "../../compiler/module/module.ts";
import { emitPackage } from "../../compiler/package-files.ts";
import type { Clip } from "../../runtime/clip.ts";
import { frameOf } from "../../runtime/clip.ts";
import { contactSheet } from "../../runtime/media/contact-sheet.ts";
import { loadPipeline } from "../../runtime/node/load.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import { claimTemporary } from "../../runtime/node/temporary.ts";
import { writePackage } from "../package-writing.ts";
import type { TokenizerFile } from "../tokenizer-file.ts";
import { version } from "../version.ts";
import { elementsOf } from "../weights/streams.ts";

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
  const files = emitPackage(module, version, { onnx: true });
  const temporary = await claimTemporary(folder);
  try {
    attempt(folder, () => mkdirSync(temporary.path));
    const source = { of: ({ path }: { readonly path: string }) => elementsOf("F32", () => [weights.get(path) ?? new Float32Array()]) };
    await writePackage(temporary.path, folder, { files, texts: new Map(), tokenizer, weights: source }, signal);
    const pipeline = await loadPipeline(temporary.path, { backend: "onnx" });
    try {
      const takesText = module.sampler?.conditions.some(({ from }) => from === "text") ?? false;
      const requests = captions.map((prompt, seed) => ({ ...(takesText ? { prompt } : {}), seed }));
      const clips = await pipeline.sampleAll(requests, { longPrompt: "truncate" });
      return contactSheet(rows(clips), {
        columns: Math.min(mostFrames, clips[0]?.frameCount ?? 1),
        about: { prompts: captions.join("\n") },
      });
    } finally {
      await pipeline.dispose();
    }
  } finally {
    temporary.release();
  }
}

export interface SheetOptions {
  readonly folder: string;
  readonly captions: readonly string[];
  readonly tokenizer: TokenizerFile | undefined;
  readonly signal: AbortSignal;
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
