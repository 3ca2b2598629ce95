/** A clip to an MP4 file of H.264 video, by an encoder that the caller has started. */

import type { H264MP4Encoder } from "h264-mp4-encoder";
import { type Clip, frameOf } from "../clip.ts";
import { requireCount, requireRate } from "./check-options.ts";
import { enlarge, watchableScale } from "./enlarge.ts";
import type { VideoOptions } from "./gif-encoding.ts";
import { mp4WithAbout, timed } from "./mp4-boxes.ts";

/** H.264's own scale, 10 is best; at 18 flat colours show no blocks and a clip stays below a megabyte. */
const QUANTISATION = 18;

/** Sizes must be even: an odd size is enlarged to an even one. Ends the encoder, which writes one file only. Throws MvcError `option-invalid`. */
export function encodeMp4(encoder: H264MP4Encoder, clip: Clip, options: VideoOptions = {}): Uint8Array {
  const { fps = 8, scale: asked = watchableScale(clip.width) } = options;
  const scale = (clip.width * asked) % 2 === 0 && (clip.height * asked) % 2 === 0 ? asked : 2 * asked;
  try {
    requireRate(fps);
    requireCount("scale", asked);
    encoder.width = clip.width * scale;
    encoder.height = clip.height * scale;
    // It takes whole numbers; the file's own times are written below.
    encoder.frameRate = Math.max(1, Math.round(fps));
    encoder.quantizationParameter = QUANTISATION;
    encoder.initialize();
    for (let i = 0; i < clip.frameCount; i++) encoder.addFrameRgba(enlarge(frameOf(clip, i), clip.width, clip.height, 4, scale));
    encoder.finalize();
    const bytes = timed(encoder.FS.readFile(encoder.outputFilename), fps, clip.frameCount);
    encoder.FS.unlink(encoder.outputFilename);
    return options.about === undefined ? bytes : mp4WithAbout(bytes, options.about);
  } finally {
    encoder.delete();
  }
}
