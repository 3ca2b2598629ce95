// A decoder that loses a frame without a word: the rest would be taken for their neighbours.

import { afterAll, expect, test, vi } from "vitest";
import { videoFilm } from "../../../cli/media/video-film.ts";

vi.mock("@napi-rs/webcodecs", async (original) => {
  const codecs = await original<typeof import("@napi-rs/webcodecs")>();
  type Init = ConstructorParameters<typeof codecs.VideoDecoder>[0];
  class VideoDecoder extends codecs.VideoDecoder {
    constructor(init: Init) {
      let came = 0;
      super({ ...init, output: (frame: Parameters<Init["output"]>[0]) => (came++ === 3 ? frame.close() : init.output(frame)) } as Init);
    }
  }
  return { ...codecs, VideoDecoder };
});
afterAll(() => vi.doUnmock("@napi-rs/webcodecs"));

test("frames are counted", async () => {
  const film = await videoFilm("golden/films/vp9.webm");
  const all = async () => {
    for await (const _ of film.pictures([0, 9]));
  };
  await expect(all()).rejects.toThrow("golden/films/vp9.webm cannot be read: 9 of 10 frames in it could be decoded (damaged?)");
  film.close();
});
