// Small videos that FFmpeg encoded of known colours (golden/reference/make_films.py) to their frames, times and faults.

import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFilm } from "../../../cli/media/open-film.ts";
import { videoFilm } from "../../../cli/media/video-film.ts";
import type { Picture } from "../../../runtime/conditions.ts";

const bars = [
  [255, 255, 255],
  [230, 40, 40],
  [40, 200, 70],
  [60, 90, 245],
  [240, 220, 50],
  [16, 16, 16],
  [128, 128, 128],
  [225, 60, 215],
];
const film = (name: string) => join("golden/films", name);
const folder = mkdtempSync(join(tmpdir(), "mvc-films-"));

const colour = ({ width, data }: Picture, x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];

async function pictures(file: string, places?: readonly number[]): Promise<Picture[]> {
  const opened = await openFilm(file);
  const found: Picture[] = [];
  try {
    for await (const one of opened.pictures(places ?? Array.from({ length: opened.count }, (_, i) => i))) found.push(one);
  } finally {
    opened.close();
  }
  return found;
}

/** Largest difference of a bar from its colour, in its middle. */
const farthest = (picture: Picture) =>
  Math.max(...bars.flatMap((bar, k) => colour(picture, 8 * k + 4, 20).map((value, c) => Math.abs(value - (bar[c] ?? 0)))));

/** Each frame is told by the grey of its last rows, 5 i. */
const numbers = (found: readonly Picture[]) => found.map((picture) => Math.round((colour(picture, 30, 45)[0] ?? 0) / 5));

// To 8 bits twice, and encoded nearly without loss: in the middle of a flat bar one step of luma. VP8 is not as fine.
test.each([
  ["h264-709.mp4", 1],
  ["h264-601.mp4", 1],
  ["h264-full.mp4", 1],
  ["h264-untagged.mp4", 1],
  ["h264-ten-bits.mp4", 1],
  ["h264-head-first.mp4", 1],
  ["hevc.mp4", 1],
  ["av1.mp4", 1],
  ["vp9.webm", 1],
  ["vp8.webm", 3],
] as const)("%s: all frames in the order in which they are shown, in their colours", async (name, most) => {
  const opened = await videoFilm(film(name));
  opened.close();
  expect([opened.count, opened.width, opened.height, opened.aspect]).toEqual([24, 64, 48, 1]);
  expect(opened.shown?.end).toBeCloseTo(2.4, 6);
  expect(opened.shown?.starts.map((start) => Math.round(start * 1e6))).toEqual(Array.from({ length: 24 }, (_, i) => 100_000 * i));
  const found = await pictures(film(name));
  expect(numbers(found)).toEqual(Array.from({ length: 24 }, (_, i) => i));
  for (const picture of found) expect(farthest(picture)).toBeLessThanOrEqual(most);
});

test("frames from anywhere are those that all together are: decoding begins at the key before", async () => {
  for (const places of [[0], [29, 30, 31], [31], [58, 59, 60, 61], [3, 40, 89], [89]]) {
    const greys = (await pictures(film("h264-key-each-30.mp4"), places)).map((picture) => colour(picture, 30, 45)[0] ?? 0);
    for (const [i, place] of places.entries()) expect(Math.abs((greys[i] ?? 0) - ((5 * place) % 256))).toBeLessThanOrEqual(1);
    expect(greys.length).toBe(places.length);
  }
});

test("uneven times are the file's, and pixels may be wide", async () => {
  const uneven = await videoFilm(film("h264-uneven.mkv"));
  uneven.close();
  expect(uneven.shown?.starts.map((start) => Math.round(start * 1000))).toEqual([0, 100, 200, 1000, 1100, 1200]);
  expect(numbers(await pictures(film("h264-uneven.mkv")))).toEqual([0, 1, 2, 3, 4, 5]);
  const wide = await videoFilm(film("h264-wide-pixels.mp4"));
  wide.close();
  expect([wide.width, wide.height, wide.aspect]).toEqual([64, 48, 2]);
});

test("a film that a telephone held upright is turned, and its pixels with it", async () => {
  const bytes = readFileSync(film("h264-709.mp4"));
  const head = bytes.indexOf("tkhd");
  // ISO 14496-12, 8.3.2: nine numbers, of which four turn; a quarter turn clockwise is (x, y) → (-y, x).
  const matrix = head + 4 + 40;
  for (const [i, value] of [0, 1, 0, -1, 0].entries()) bytes.writeInt32BE(value * 0x10000, matrix + 4 * i);
  const turned = join(folder, "turned.mp4");
  writeFileSync(turned, bytes);
  const opened = await videoFilm(turned);
  opened.close();
  expect([opened.width, opened.height]).toEqual([48, 64]);
  const [picture] = await pictures(turned, [23]);
  expect([picture?.width, picture?.height]).toEqual([48, 64]);
  // The bars lie one below the other, and what was below is on the left.
  const found = bars.map((_, k) => colour(picture as Picture, 30, 8 * k + 4));
  for (const [k, bar] of bars.entries())
    for (const c of [0, 1, 2]) expect(Math.abs((found[k]?.[c] ?? 0) - (bar[c] ?? 0))).toBeLessThanOrEqual(1);
  expect(Math.abs((colour(picture as Picture, 2, 30)[0] ?? 0) - 115)).toBeLessThanOrEqual(1);
});

test.each(["vp9-odd.webm", "h264-444.mp4"])("%s: sizes that are odd, and colours that are not shared", async (name) => {
  const [, picture] = await pictures(film(name));
  const found = [colour(picture as Picture, 10, 10), colour(picture as Picture, 50, 10), colour(picture as Picture, 20, 40)];
  for (const [i, k] of [1, 3, 2].entries())
    for (const c of [0, 1, 2]) expect(Math.abs((found[i]?.[c] ?? 0) - (bars[k]?.[c] ?? 0))).toBeLessThanOrEqual(2);
});

test("a file is what its bytes say, whatever it is called", async () => {
  const named = join(folder, "a.gif");
  copyFileSync(film("vp9.webm"), named);
  expect(numbers(await pictures(named, [7]))).toEqual([7]);
});

/** The first part of a file, or all of it with a part overwritten. */
function spoilt(name: string, part: number, way: "cut" | "zero" | "unknown" = "cut"): string {
  const bytes = readFileSync(film(name));
  // What is sent while it is made has a segment whose length is all ones.
  if (way === "unknown")
    bytes.fill(0xff, bytes.indexOf(Buffer.from("18538067", "hex")) + 5, bytes.indexOf(Buffer.from("18538067", "hex")) + 12);
  const path = join(folder, `${way}-${part}-${name}`);
  const at = Math.floor(bytes.length * part);
  writeFileSync(path, way === "zero" ? bytes.fill(0, at, at + 60) : bytes.subarray(0, at));
  return path;
}

test.each([
  ["cut before its table", () => spoilt("h264-709.mp4", 0.6), "it has no video in it that can be found (cut short?)"],
  ["cut behind its table", () => spoilt("h264-head-first.mp4", 0.9), "it ends before its last frame (cut short?)"],
  ["a WebM that is cut", () => spoilt("vp9.webm", 0.99), "it has 1515 of the 1531 bytes that it is to have (cut short?)"],
  ["a Matroska file that is cut", () => spoilt("h264-uneven.mkv", 0.5), "it has 805 of the 1610 bytes that it is to have (cut short?)"],
  ["one of unknown length that is cut", () => spoilt("vp9.webm", 0.8, "unknown"), "it has no frames (cut short?)"],
  ["of another codec", () => film("mpeg4.mp4"), "its video is mp4v, which is not decoded"],
  ["of a codec that is not built in", () => film("prores.mov"), "its video is apch, which is not decoded"],
  // They would come as if they were luma and chroma.
  ["of red, green and blue themselves", () => film("h264-rgb.mp4"), "its colours are rgb, which is not read"],
  ["a text", () => "package.json", "it is no video of a known kind"],
])("%s is named when it is opened", async (_, file, reason) => {
  await expect(openFilm(file())).rejects.toMatchObject({ code: "file-unreadable", message: `${file()} cannot be read: ${reason}` });
});

test("what is empty, a folder or not there is named", async () => {
  const empty = join(folder, "empty.mp4");
  writeFileSync(empty, "");
  await expect(openFilm(empty)).rejects.toThrow(`${empty} cannot be read: it is empty`);
  await expect(openFilm(folder)).rejects.toThrow(`${folder} cannot be read: it is a folder, not a file`);
  await expect(openFilm(join(folder, "none.mp4"))).rejects.toThrow(/there is no file/);
});

test("damage within is named when it is decoded", async () => {
  await expect(pictures(spoilt("h264-key-each-30.mp4", 0.3, "zero"))).rejects.toMatchObject({ code: "file-unreadable" });
});

test("damage before the key that frames are decoded from does not reach them", async () => {
  const bytes = readFileSync(film("h264-key-each-30.mp4"));
  const path = join(folder, "first-part.mp4");
  // The frames lie behind the head of `mdat`, some 20 bytes of it each; the first is larger.
  const at = bytes.indexOf("mdat") + 4;
  writeFileSync(path, bytes.fill(0, at, at + 400));
  await expect(pictures(path, [5])).rejects.toMatchObject({ code: "file-unreadable" });
  const greys = (await pictures(path, [65, 66])).map((picture) => colour(picture, 30, 45)[0] ?? 0);
  for (const [i, grey] of greys.entries()) expect(Math.abs(grey - ((5 * (65 + i)) % 256))).toBeLessThanOrEqual(1);
});
