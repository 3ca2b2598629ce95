/** An opened package to what is evaluated of it: clips of captions, and clips through its autoencoder. */

import { type Clip, toClips } from "../../runtime/clip.ts";
import { clipShapeOf, picturesFor } from "../../runtime/clips/clip-shape.ts";
import { decodeLatents, encodePictures, wholeWindow } from "../../runtime/clips/through-windows.ts";
import { type ClipRequest, mvcError, type Pipeline, type SampleOptions, type Tensors } from "../../runtime/index.ts";
import { roles } from "../../runtime/roles.ts";
import type { Pixels } from "../../study/pixels.ts";
import { pixelsOf } from "../../training/clip-tensors.ts";
import type { ClipSize } from "../../training/dataset.ts";

export interface EvaluatedModel {
  /** Of its clips. */
  readonly size: ClipSize;
  /** Clips that are sampled at once. */
  readonly batch: number;
  /** Samplings and reconstructions that it is worth to begin before the first is done. */
  readonly ahead: number;
  readonly takesText: boolean;
  sample(requests: readonly ClipRequest[], options: SampleOptions): Promise<readonly Pixels[]>;
  /** A clip of its size through encoder and decoder; undefined where it lacks one of them. */
  readonly reconstruct: ((clip: Pixels) => Promise<Pixels>) | undefined;
}

/** Throws MvcError `not-samplable` where there is no sampler, `not-evaluable` where it makes no pictures, or takes more than a text. */
export function modelOf(pipeline: Pipeline, ahead: number): EvaluatedModel {
  const parts = roles(pipeline.package.manifest);
  const shape = clipShapeOf(parts);
  const { picture } = shape;
  if (parts.pictures === "none" || picture === undefined) {
    const way = "build it with a graph that `frames` of its sampler names";
    throw mvcError("not-evaluable", { reason: "the model makes latents, and no pictures that could be measured", way });
  }
  const other = parts.conditions.find(({ from }) => from !== "text");
  if (other !== undefined) {
    const reason = `the model takes \`${other.name}\` from "${other.from}", and a data set gives captions alone`;
    throw mvcError("not-evaluable", { reason, way: "evaluate a model whose conditions are texts" });
  }
  const { frames: decoder, latents: encoder } = parts;
  const size = { frames: picturesFor(shape.pace, shape.frames), ...picture };
  // The pipeline's types are those of graphs that are known; these are known by their names.
  const runner = { run: (graph: string, tensors: Tensors): Promise<Tensors> => pipeline.run(graph, tensors) };
  const whole = wholeWindow(shape.frames);
  return {
    size,
    batch: parts.batch,
    ahead,
    takesText: parts.conditions.length > 0,
    sample: async (requests, options) => (await pipeline.sampleAll(requests, options)).map(withoutOpacity),
    reconstruct:
      decoder === undefined || encoder === undefined
        ? undefined
        : async (clip) => {
            const latent = await encodePictures(runner, encoder, pixelsOf(clip, size), whole, shape);
            const [made] = toClips(await decodeLatents(runner, decoder, latent, whole, shape));
            if (made === undefined) throw new Error("eval: decoding gave no clip");
            return withoutOpacity(made);
          },
  };
}

function withoutOpacity({ width, height, frameCount, frames }: Clip): Pixels {
  const pixels = new Uint8Array(frameCount * height * width * 3);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) pixels.set(frames.subarray(from, from + 3), to);
  return { frames: frameCount, height, width, pixels };
}
