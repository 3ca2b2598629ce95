/** A clip to an animated GIF that repeats for ever, by the gifenc that the caller has loaded. */

import type { Clip } from "../clip.ts";
import { type About, gifWithAbout } from "./about.ts";
import { requireCount, requireRate } from "./check-options.ts";
import { enlarge, watchableScale } from "./enlarge.ts";

type Palette = readonly (readonly number[])[];

/** What is used of gifenc, which brings no types. */
export interface Gifenc {
  GIFEncoder(): {
    /** `delay` in milliseconds; `repeat` 0 is for ever; the first frame's palette is the file's. */
    writeFrame(index: Uint8Array, width: number, height: number, frame: { palette?: Palette; repeat?: number; delay: number }): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  quantize(rgba: Uint8ClampedArray, colours: number): Palette;
  applyPalette(rgba: Uint8ClampedArray, palette: Palette): Uint8Array;
}

export interface VideoOptions {
  /** Frames a second, 8 when not given. */
  readonly fps?: number;
  /** Each pixel becomes a square of this many; when not given, so many that the clip is at least 256 wide. */
  readonly scale?: number;
  /** Texts that the file keeps of itself, such as the prompt and the seed. */
  readonly about?: About;
}

/** One palette for the whole clip and no dithering: either would shimmer where nothing moves. Throws MvcError `option-invalid`. */
export function encodeGif(gifenc: Gifenc, clip: Clip, options: VideoOptions = {}): Uint8Array {
  const { fps = 8, scale = watchableScale(clip.width) } = options;
  requireRate(fps);
  requireCount("scale", scale);
  const { width, height, frameCount } = clip;
  // gifenc reads the whole buffer under a view, whatever the view's offset: it must be given a buffer of its own.
  const pixels = clip.frames.slice();
  const palette = gifenc.quantize(pixels, 256);
  const index = gifenc.applyPalette(pixels, palette);
  const encoder = gifenc.GIFEncoder();
  for (let i = 0; i < frameCount; i++) {
    const frame = enlarge(index.subarray(i * width * height, (i + 1) * width * height), width, height, 1, scale);
    encoder.writeFrame(frame, width * scale, height * scale, { ...(i === 0 ? { palette, repeat: 0 } : {}), delay: delayOf(i, fps) });
  }
  encoder.finish();
  return options.about === undefined ? encoder.bytes() : gifWithAbout(encoder.bytes(), options.about);
}

/** Milliseconds. The format has whole hundredths of a second: frames alternate between two, so that a clip lasts as long as its rate says. */
function delayOf(frame: number, fps: number): number {
  const end = (i: number) => Math.round((100 * i) / fps);
  return 10 * (end(frame + 1) - end(frame));
}
