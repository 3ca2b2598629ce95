/** Clips as bytes to the numbers that graphs take of them. */

import type { CaptionedClip, ClipSize } from "./dataset.ts";

/** u8 [F, H, W, 3] to f32 [F, 3, H, W] in -1 to 1. */
export function pixelsOf({ pixels }: Pick<CaptionedClip, "pixels">, { frames, height, width }: ClipSize): Float32Array {
  const plane = height * width;
  const out = new Float32Array(frames * 3 * plane);
  for (let f = 0; f < frames; f++)
    for (let c = 0; c < 3; c++) {
      const to = (f * 3 + c) * plane;
      const from = f * plane * 3 + c;
      for (let i = 0; i < plane; i++) out[to + i] = (pixels[from + i * 3] as number) / 127.5 - 1;
    }
  return out;
}
