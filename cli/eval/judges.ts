/** The judges of models/judges.mv and their trained weights to what they see in a clip: shape, colour and motion, and the features that Fréchet distances are measured in. */

import { createRequire } from "node:module";
import { compile } from "../../compiler/compile.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { readSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32, floatsOf } from "../../runtime/tensor.ts";
import type { Pixels } from "../../study/pixels.ts";
import { pixelsOf } from "../../training/clip-tensors.ts";
import type { ClipSize } from "../../training/dataset.ts";
import { openWeighted } from "../../training/node/weighted-graph.ts";
import { choicesOf } from "../choices.ts";
import { FRAMES, SIZE } from "../data/moving-shapes.ts";
import { loadProgram } from "../program.ts";
import type { Labels } from "./labels.ts";

/** What the judges look at: clips as moving-shapes makes them. */
export const judgedSize: ClipSize = { frames: FRAMES, height: SIZE, width: SIZE };

export interface Judgement {
  readonly labels: Labels;
  readonly features: Float32Array;
}

export interface Judges {
  /** A clip of `judgedSize`. */
  judge(clip: Pixels): Promise<Judgement>;
  /** The features alone, which cost less. */
  features(clip: Pixels): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Throws MvcError `file-…`, `weights-invalid` where the installation lacks their files, and `backend-missing`. */
export async function openJudges(): Promise<Judges> {
  // By the package's own table, as bundles lie elsewhere than this source.
  const { resolve } = createRequire(import.meta.url);
  const { program } = loadProgram(resolve("#judges"), "the judges' model");
  const compiled = program && compile(program, choicesOf({ precision: "f32" }));
  if (compiled?.ok !== true) throw new Error("eval: the judges do not compile");
  const weights = new Map(
    Object.entries(await readSafetensors(resolve("#judge-weights"))).map(([path, tensor]) => [path, floatsOf(tensor)]),
  );
  const graphOf = (name: string): Graph => {
    const graph = compiled.module.graphs.get(name);
    if (graph === undefined) throw new Error(`eval: the judges have no graph ${name}`);
    return graph;
  };
  const [look, watch] = [await openWeighted(graphOf("look"), weights), await openWeighted(graphOf("watch"), weights)];
  const { frames, height, width } = judgedSize;
  const watched = (pixels: Float32Array) => watch.run(new Map([["x", f32([1, frames, 3, height, width], pixels)]]));
  return {
    features: async (clip) => outputOf(await watched(pixelsOf(clip, judgedSize)), "features"),
    judge: async (clip) => {
      const pixels = pixelsOf(clip, judgedSize);
      const shape = new Sum();
      const colour = new Sum();
      for (let frame = 0; frame < frames; frame++) {
        const size = 3 * height * width;
        const seen = await look.run(new Map([["x", f32([1, 3, height, width], pixels.slice(frame * size, (frame + 1) * size))]]));
        shape.add(logSoftmax(outputOf(seen, "shape")));
        colour.add(logSoftmax(outputOf(seen, "colour")));
      }
      const whole = await watched(pixels);
      const motion = strongest(outputOf(whole, "motion"));
      return { labels: { shape: shape.strongest(), colour: colour.strongest(), motion }, features: outputOf(whole, "features") };
    },
    dispose: async () => {
      await look.dispose();
      await watch.dispose();
    },
  };
}

/** What all frames of a clip say together: the product of their probabilities. */
class Sum {
  #values: readonly number[] = [];

  add(logits: readonly number[]): void {
    this.#values = logits.map((value, i) => value + (this.#values[i] ?? 0));
  }

  strongest(): number {
    return strongest(this.#values);
  }
}

function logSoftmax(logits: Float32Array): readonly number[] {
  const most = Math.max(...logits);
  const all = most + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - most), 0));
  return Array.from(logits, (value) => value - all);
}

function strongest(values: ArrayLike<number>): number {
  const list = Array.from(values);
  return list.indexOf(Math.max(...list));
}

function outputOf(outputs: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const found = outputs.get(name);
  if (found === undefined) throw new Error(`eval: the judges gave no ${name}`);
  return found;
}
