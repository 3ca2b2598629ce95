/** Decoded frames, f32 in -1..1, to clips of bytes. */

import { mvcError } from "./errors.ts";
import { floatsOf, type TensorData } from "./tensor.ts";

export interface Clip {
  readonly width: number;
  readonly height: number;
  readonly frameCount: number;
  /** Red, green, blue, 255 of each pixel: [frameCount, height, width, 4], what a canvas takes. */
  readonly frames: Uint8ClampedArray;
}

/** One frame's pixels, [height, width, 4], as a view. */
export function frameOf(clip: Clip, index: number): Uint8ClampedArray {
  const size = clip.width * clip.height * 4;
  return clip.frames.subarray(index * size, (index + 1) * size);
}

/**
 * Frames [B, F, 3, H, W] to B clips, or pictures [B, 3, H, W] to B clips of one frame; -1..1 rounded to 0..255.
 * @throws MvcError `frames-not-finite` instead of a black clip.
 */
export function toClips(decoded: TensorData): readonly Clip[] {
  const [batch = 0, ...clip] = decoded.shape;
  const [frameCount = 0, channels = 0, height = 0, width = 0] = clip.length === 3 ? [1, ...clip] : clip;
  if ((clip.length !== 3 && clip.length !== 4) || channels !== 3)
    throw new Error(`clip: decoded frames have the shape [${decoded.shape.join(", ")}]`);
  const values = floatsOf(decoded);
  const bad = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
  if (bad > 0) throw mvcError("frames-not-finite", { count: bad, total: values.length });
  const plane = width * height;
  return Array.from({ length: batch }, (_, b) => {
    const frames = new Uint8ClampedArray(frameCount * plane * 4).fill(255);
    for (let f = 0; f < frameCount; f++) {
      for (let c = 0; c < 3; c++) {
        const from = ((b * frameCount + f) * 3 + c) * plane;
        for (let i = 0; i < plane; i++) frames[(f * plane + i) * 4 + c] = ((values[from + i] ?? 0) + 1) * 127.5;
      }
    }
    return { width, height, frameCount, frames };
  });
}
