/** A clip to an animated GIF that repeats for ever. */

import gifenc from "gifenc";
import { type Clip, frameOf } from "../../runtime/clip.ts";
import { enlarge, watchableScale } from "./enlarge.ts";

export interface VideoOptions {
  /** Frames a second, 8 when not given. */
  readonly fps?: number;
  /** Each pixel becomes a square of this many; when not given, so many that the clip is at least 256 wide. */
  readonly scale?: number;
}

/** One palette for the whole clip and no dithering: either would shimmer where nothing moves. */
export function gif(clip: Clip, options: VideoOptions = {}): Uint8Array {
  const { fps = 8, scale = watchableScale(clip.width) } = options;
  const palette = gifenc.quantize(clip.frames, 256);
  const encoder = gifenc.GIFEncoder();
  for (let i = 0; i < clip.frameCount; i++) {
    const index = gifenc.applyPalette(frameOf(clip, i), palette);
    const shared = i === 0 ? { palette, repeat: 0 } : {};
    encoder.writeFrame(enlarge(index, clip.width, clip.height, 1, scale), clip.width * scale, clip.height * scale, {
      ...shared,
      delay: 1000 / fps,
    });
  }
  encoder.finish();
  return encoder.bytes();
}
