// Where the optional decoder of videos is not installed: one error for all of them, and GIFs are read all the same.

import { afterAll, expect, test, vi } from "vitest";
import { openDataset } from "../../../cli/data/open-dataset.ts";
import { folderOf, greyGif, temporary } from "../data/small-films.ts";

vi.mock("@napi-rs/webcodecs", () => {
  throw new Error("Cannot find package '@napi-rs/webcodecs'");
});
afterAll(() => vi.doUnmock("@napi-rs/webcodecs"));

test("a video without a decoder is no fault of the video, whatever is done with damaged ones", async () => {
  const size = { frames: 1, height: 4, width: 4 };
  const gif = { "a.gif": greyGif([7]), "a.txt": "a" };
  const set = await openDataset(folderOf(gif), size, { cache: temporary() });
  expect((await set.clip(0)).pixels[0]).toBe(7);
  const folder = folderOf({ ...gif, "b.mp4": "a film, for all that anybody knows", "b.txt": "b" });
  await expect(openDataset(folder, size, { cache: temporary(), damaged: "skip" })).rejects.toMatchObject({
    code: "backend-missing",
    hint: "install it with `npm install @napi-rs/webcodecs`; GIFs and PNGs are read without it",
  });
});
