// Luma and chroma to red, green and blue, by hand from the standards' equations.

import { expect, test } from "vitest";
import { type Colours, type Turn, writeRgba } from "../../../cli/media/yuv.ts";

const upright: Turn = { rotation: 0, flip: false };

/** One pixel of I444. */
function one(y: number, u: number, v: number, colours: Colours, size: readonly [number, number] = [1, 1]): number[] {
  const [width, height] = size;
  const plane = width * height;
  const bytes = new Uint8Array(3 * plane);
  for (const [i, value] of [y, u, v].entries()) bytes.fill(value, i * plane, (i + 1) * plane);
  const to = new Uint8ClampedArray(4 * plane);
  const layout = [0, 1, 2].map((i) => ({ offset: i * plane, stride: width }));
  writeRgba({ format: "I444", width, height, bytes, layout }, colours, upright, to);
  return [...to.subarray(0, 4)];
}

test("pure red has each standard's own luma and chroma", () => {
  // BT.601: Y = 16 + 219 x 0.299 = 81.5, Cb = 128 - 224 x 0.299 / 1.772 = 90.2, Cr = 240. BT.709: 62.6, 102.3, 240. BT.2020: 73.5, 96.7, 240.
  for (const [matrix, y, u] of [
    ["smpte170m", 81, 90],
    ["bt470bg", 81, 90],
    ["bt709", 63, 102],
    ["bt2020-ncl", 74, 97],
  ] as const) {
    const [r = 0, g = 0, b = 0, opacity] = one(y, u, 240, { matrix, fullRange: false });
    // Half a step of luma and of chroma: 0.6 + 0.5 x 2.2 at most.
    expect([r >= 253, g <= 2, b <= 2, opacity]).toEqual([true, true, true, 255]);
  }
});

test("grey is grey, from 16 to 235 or from 0 to 255", () => {
  expect(one(16, 128, 128, { matrix: "bt709", fullRange: false })).toEqual([0, 0, 0, 255]);
  expect(one(235, 128, 128, { matrix: "bt709" })).toEqual([255, 255, 255, 255]);
  expect(one(16, 128, 128, { matrix: "bt709", fullRange: true })).toEqual([16, 16, 16, 255]);
  expect(one(126, 128, 128, {})).toEqual([128, 128, 128, 255]);
});

test("what says nothing is BT.709 from HD on, and BT.601 below", () => {
  const red = (size: readonly [number, number]) => one(81, 90, 240, {}, size);
  expect(red([64, 576])[0]).toBeGreaterThan(252);
  expect(red([64, 577])).toEqual(one(81, 90, 240, { matrix: "bt709" }));
  expect(red([1280, 1])).toEqual(one(81, 90, 240, { matrix: "bt709" }));
});

test.each([
  [{ matrix: "rgb" }, "its colours are rgb, which is not read"],
  [{ matrix: "bt2020-cl" }, "its colours are bt2020-cl, which is not read"],
  [{ matrix: "bt2020-ncl", transfer: "pq" }, "it has a high dynamic range (pq), which is not read"],
])("%j is refused", (colours, message) => {
  expect(() => one(0, 0, 0, colours)).toThrow(message);
});

/** 3x2 of I422, or as its rows and columns are shared: luma counts up from 20, turned. */
function lumas(format: string, turn: Turn): number[] {
  const bytes = Uint8Array.of(20, 21, 22, 23, 24, 25, ...new Uint8Array(12).fill(128));
  const to = new Uint8ClampedArray(24);
  const layout = [0, 6, 6].map((offset, i) => ({ offset, stride: i === 0 ? 3 : 2 }));
  writeRgba({ format, width: 3, height: 2, bytes, layout }, { fullRange: true }, turn, to);
  return [...to].filter((_, i) => i % 4 === 0).map((grey) => grey - 20);
}

test("a turn is clockwise, and mirrored after that", () => {
  expect(lumas("I422", upright)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(lumas("I422", { rotation: 90, flip: false })).toEqual([3, 0, 4, 1, 5, 2]);
  expect(lumas("I422", { rotation: 180, flip: false })).toEqual([5, 4, 3, 2, 1, 0]);
  expect(lumas("I422", { rotation: 270, flip: false })).toEqual([2, 5, 1, 4, 0, 3]);
  expect(lumas("I422", { rotation: 0, flip: true })).toEqual([2, 1, 0, 5, 4, 3]);
  expect(lumas("I422", { rotation: 90, flip: true })).toEqual([0, 3, 1, 4, 2, 5]);
});

test("colours are shared as the format says, side by side in one plane or not", () => {
  const reds = (format: string, bytes: readonly number[], layout: readonly (readonly [number, number])[]) => {
    const to = new Uint8ClampedArray(32);
    const planes = layout.map(([offset, stride]) => ({ offset, stride }));
    writeRgba(
      { format, width: 4, height: 2, bytes: Uint8Array.from(bytes), layout: planes },
      { matrix: "bt709", fullRange: true },
      upright,
      to,
    );
    return [...to].filter((_, i) => i % 4 === 0);
  };
  const luma = [100, 100, 100, 100, 100, 100, 100, 100];
  // 100 + 1.5748 (138 - 128) and 100 + 1.5748 (118 - 128).
  const [more, less] = [116, 84];
  expect(
    reds(
      "I420",
      [...luma, 128, 128, 138, 118],
      [
        [0, 4],
        [8, 2],
        [10, 2],
      ],
    ),
  ).toEqual([more, more, less, less, more, more, less, less]);
  expect(
    reds(
      "NV12",
      [...luma, 128, 138, 128, 118],
      [
        [0, 4],
        [8, 4],
      ],
    ),
  ).toEqual([more, more, less, less, more, more, less, less]);
  expect(
    reds(
      "I422",
      [...luma, 128, 128, 128, 128, 138, 118, 118, 138],
      [
        [0, 4],
        [8, 2],
        [12, 2],
      ],
    ),
  ).toEqual([more, more, less, less, less, less, more, more]);
  expect(() => reds("RGBA", luma, [[0, 4]])).toThrow("its pixels are RGBA, which is not read");
});
