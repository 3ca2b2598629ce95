/** A clip to an animated GIF, with gifenc as Node loads it. */

import { createRequire } from "node:module";
import type { Clip } from "../clip.ts";
import { encodeGif, type Gifenc, type VideoOptions } from "../media/gif-encoding.ts";

/** By `require`: as a module its names arrive differently in Node and in bundlers. */
const gifenc: Gifenc = createRequire(import.meta.url)("gifenc");

/** As `encodeGif`: an animated GIF that repeats for ever, its colours exact where the clip has no more than 256. */
export function gif(clip: Clip, options: VideoOptions = {}): Uint8Array {
  return encodeGif(gifenc, clip, options);
}
