/** A clip to the bytes of an MP4 file, in a worker: the encoder makes functions of text, which the page's policy forbids and the worker's allows. */

import library from "h264-mp4-encoder";
import type { Clip } from "../runtime/clip.ts";
import type { VideoOptions } from "../runtime/media/gif-encoding.ts";
import { encodeMp4 } from "../runtime/media/mp4-encoding.ts";

self.addEventListener("message", async ({ data }: MessageEvent<{ readonly clip: Clip; readonly options: VideoOptions }>) => {
  const { clip, options } = data;
  self.postMessage(encodeMp4(await library.createH264MP4Encoder(), clip, options));
});
// What an asynchronous handler throws would not be heard as the worker's error.
self.addEventListener("unhandledrejection", ({ reason }) => {
  self.reportError(reason);
});
