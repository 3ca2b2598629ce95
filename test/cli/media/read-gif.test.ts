// GIFs written by hand, frame disposal among them, to the pictures that a viewer shows.

import { expect, test } from "vitest";
import { gifFilm, readGif } from "../../../cli/media/read-gif.ts";

interface Part {
  readonly at: readonly [x: number, y: number];
  readonly size: readonly [width: number, height: number];
  readonly indexes: readonly number[];
  readonly disposal?: number;
  readonly delay?: number;
}

/** Codes of three bits, each index behind a clear code (4), and 5 for the end: LZW that compresses nothing. */
function lzw(indexes: readonly number[]): number[] {
  const bits = [...indexes.flatMap((index) => [4, index]), 5].flatMap((code) => [code & 1, (code >> 1) & 1, (code >> 2) & 1]);
  const bytes = Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((sum, bit, at) => sum | (bit << at), 0),
  );
  return [2, bytes.length, ...bytes, 0];
}

/** Colours 0 to 3: red, green, blue; 3 is see-through. */
function gif(width: number, height: number, parts: readonly Part[]): Uint8Array {
  const short = (value: number) => [value & 255, value >> 8];
  const palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9];
  const frames = parts.flatMap(({ at, size, indexes, disposal = 0, delay = 0 }) => [
    ...[0x21, 0xf9, 4, (disposal << 2) | 1, ...short(delay), 3, 0],
    ...[0x2c, ...short(at[0]), ...short(at[1]), ...short(size[0]), ...short(size[1]), 0, ...lzw(indexes)],
  ]);
  return Uint8Array.of(...Buffer.from("GIF89a"), ...short(width), ...short(height), 0x81, 0, 0, ...palette, ...frames, 0x3b);
}

/** r, g, b, or . where nothing is seen. */
function seen(bytes: Uint8Array): string[] {
  return readGif(bytes, "a.gif").map(({ data, width, height }) =>
    Array.from({ length: width * height }, (_, i) => {
      const [r, g, , opacity] = data.subarray(4 * i, 4 * i + 4);
      return opacity === 0 ? "." : r === 255 ? "r" : g === 255 ? "g" : "b";
    }).join(""),
  );
}

test("a frame is drawn over what the one before left: all of it, nothing, or what was there before", () => {
  const whole = { at: [0, 0], size: [3, 1], indexes: [0, 0, 0] } as const;
  const middle = { at: [1, 0], size: [1, 1], indexes: [1] } as const;
  const last = { at: [2, 0], size: [1, 1], indexes: [2] } as const;
  expect(seen(gif(3, 1, [whole, middle, last]))).toEqual(["rrr", "rgr", "rgb"]);
  expect(seen(gif(3, 1, [whole, { ...middle, disposal: 1 }, last]))).toEqual(["rrr", "rgr", "rgb"]);
  expect(seen(gif(3, 1, [whole, { ...middle, disposal: 2 }, last]))).toEqual(["rrr", "rgr", "r.b"]);
  expect(seen(gif(3, 1, [whole, { ...middle, disposal: 3 }, last]))).toEqual(["rrr", "rgr", "rrb"]);
  expect(seen(gif(3, 1, [whole, { ...whole, indexes: [3, 2, 3] }]))).toEqual(["rrr", "rbr"]);
});

test("each frame starts when the one before has been shown; none or one hundredth is the tenth that viewers make of it", () => {
  const whole = { at: [0, 0], size: [1, 1], indexes: [0] } as const;
  const film = gifFilm(
    gif(1, 1, [{ ...whole, delay: 7 }, { ...whole, delay: 300 }, whole, { ...whole, delay: 1 }, { ...whole, delay: 2 }]),
    "a.gif",
  );
  expect([film.count, film.shown]).toEqual([5, { starts: [0, 0.07, 3.07, 3.17, 3.27], end: 3.29 }]);
});

test("frames by their places are drawn over those that were not asked for", async () => {
  const parts = [0, 1, 2].map((x) => ({ at: [x, 0], size: [1, 1], indexes: [x] }) as const);
  const film = gifFilm(gif(3, 1, parts), "a.gif");
  const reds: number[][] = [];
  for await (const { data } of film.pictures([1, 2])) reds.push([...data].filter((_, i) => i % 4 === 0));
  expect(reds).toEqual([
    [255, 0, 0],
    [255, 0, 0],
  ]);
  const seen: number[][] = [];
  for await (const { data } of film.pictures([0, 2])) seen.push([...data].filter((_, i) => i % 4 === 3));
  expect(seen).toEqual([
    [255, 0, 0],
    [255, 255, 255],
  ]);
});

test("a film that is cut between two frames is an error; a clip of a model's conditions is what is left", () => {
  const parts = [0, 1].map((x) => ({ at: [x, 0], size: [1, 1], indexes: [x] }) as const);
  const cut = gif(3, 1, [...parts, { at: [2, 0], size: [1, 1], indexes: [2] }]).subarray(0, gif(3, 1, parts).length - 1);
  expect(() => gifFilm(cut, "a.gif")).toThrow("a.gif cannot be read: it has no end (cut short?)");
  expect(seen(cut)).toEqual(["r..", "rg."]);
});

test("a frame of too few pixels is an error, and nothing is said beside it", () => {
  const log = console.log;
  const said: unknown[] = [];
  console.log = (text) => said.push(text);
  try {
    const short = gif(3, 1, [{ at: [0, 0], size: [3, 1], indexes: [0, 1] }]);
    expect(() => readGif(short, "a.gif")).toThrow("a.gif cannot be read: it is no GIF that can be read (frame 0 has too few pixels)");
    // Longer ones are whole: viewers show them.
    expect(seen(gif(3, 1, [{ at: [0, 0], size: [3, 1], indexes: [0, 1, 2, 0, 0] }]))).toEqual(["rgb"]);
  } finally {
    console.log = log;
  }
  expect(said).toEqual([]);
});

test("what is no GIF, ends early or lies beyond its picture is one error that names the file", () => {
  const good = gif(3, 1, [{ at: [0, 0], size: [3, 1], indexes: [0, 1, 2] }]);
  const error = /a\.gif cannot be read: it is no GIF that can be read/;
  expect(() => readGif(new Uint8Array(), "a.gif")).toThrow(error);
  expect(() => readGif(Buffer.from("GIF89a"), "a.gif")).toThrow(error);
  expect(() => readGif(good.subarray(0, good.length - 6), "a.gif")).toThrow(error);
  expect(() => readGif(gif(2, 1, [{ at: [1, 0], size: [2, 1], indexes: [0, 1] }]), "a.gif")).toThrow(/frame 0 lies beyond the picture/);
});
