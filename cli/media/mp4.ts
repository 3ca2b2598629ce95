/** A clip to an MP4 file of H.264 video. */

import { type Clip, frameOf } from "../../runtime/clip.ts";
import { enlarge, watchableScale } from "./enlarge.ts";
import type { VideoOptions } from "./gif.ts";

/** H.264's own scale, 10 is best; at 18 flat colours show no blocks and a clip stays below a megabyte. */
const QUANTISATION = 18;

/** Sizes must be even: an odd size is enlarged to an even one. Takes about a tenth of a second to start. */
export async function mp4(clip: Clip, options: VideoOptions = {}): Promise<Uint8Array> {
  const { fps = 8 } = options;
  const asked = options.scale ?? watchableScale(clip.width);
  const scale = (clip.width * asked) % 2 === 0 && (clip.height * asked) % 2 === 0 ? asked : 2 * asked;
  const encoder = await createEncoder();
  try {
    encoder.width = clip.width * scale;
    encoder.height = clip.height * scale;
    encoder.frameRate = fps;
    encoder.quantizationParameter = QUANTISATION;
    encoder.initialize();
    for (let i = 0; i < clip.frameCount; i++) encoder.addFrameRgba(enlarge(frameOf(clip, i), clip.width, clip.height, 4, scale));
    encoder.finalize();
    const bytes = encoder.FS.readFile(encoder.outputFilename);
    encoder.FS.unlink(encoder.outputFilename);
    return bytes;
  } finally {
    encoder.delete();
  }
}

/** The library's WebAssembly part adds process-wide handlers that turn every later uncaught error into an abort: they are taken off. */
async function createEncoder() {
  const emitter: NodeJS.EventEmitter = process;
  const events = ["uncaughtException", "unhandledRejection"];
  const before = events.map((event) => emitter.listeners(event));
  const library = await import("h264-mp4-encoder");
  const encoder = await library.default.createH264MP4Encoder();
  for (const [i, event] of events.entries()) {
    for (const listener of emitter.listeners(event)) {
      if (!before[i]?.includes(listener)) emitter.removeListener(event, listener as () => void);
    }
  }
  return encoder;
}
