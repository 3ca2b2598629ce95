/** A clip to an MP4 file, with the encoder as Node starts it. */

import type { Clip } from "../clip.ts";
import type { VideoOptions } from "../media/gif-encoding.ts";
import { encodeMp4 } from "../media/mp4-encoding.ts";

/** As `encodeMp4`. Takes about a tenth of a second to start. */
export async function mp4(clip: Clip, options: VideoOptions = {}): Promise<Uint8Array> {
  return encodeMp4(await createEncoder(), clip, options);
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
