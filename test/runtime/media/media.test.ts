/** Clips written as GIF, MP4 and PNG, read back by other code than wrote them. */
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { movingShapes } from "../../../cli/data/moving-shapes.ts";
import { type Clip, encodeGif, encodeMp4, encodePng } from "../../../runtime/index.ts";
import { contactSheet } from "../../../runtime/media/contact-sheet.ts";
import { enlarge, watchableScale } from "../../../runtime/media/enlarge.ts";
import { gif } from "../../../runtime/node/gif.ts";
import { mp4 } from "../../../runtime/node/mp4.ts";
import { readGif } from "./read-gif.ts";

/** A clip whose pixel at (f, y, x) is what `colour` says. */
function clipOf(width: number, height: number, frameCount: number, colour: (f: number, y: number, x: number) => readonly number[]): Clip {
  const pixels: number[] = [];
  for (let f = 0; f < frameCount; f++) {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels.push(...colour(f, y, x), 255);
  }
  return { width, height, frameCount, frames: Uint8ClampedArray.from(pixels) };
}

function shapesClip(): Clip {
  const [clip] = movingShapes(1, 5);
  const rgb = clip?.pixels ?? new Uint8Array();
  return clipOf(64, 64, 16, (f, y, x) => [...rgb.subarray(((f * 64 + y) * 64 + x) * 3, ((f * 64 + y) * 64 + x) * 3 + 3)]);
}

test("pixels are repeated both ways", () => {
  expect([...enlarge([1, 2, 3, 4], 2, 2, 1, 2)]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  expect([...enlarge([1, 2, 3, 4], 1, 1, 4, 2)]).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  expect([64, 100, 256, 512].map(watchableScale)).toEqual([4, 3, 1, 1]);
});

test("a GIF: every frame, its colours exact where they are few, one palette, repeating", () => {
  const colour = (f: number, y: number, x: number) => (x === f ? [200, 30, 90] : y === 0 ? [10, 250, 128] : [0, 0, 0]);
  const clip = clipOf(5, 3, 4, colour);
  const read = readGif(gif(clip, { fps: 10, scale: 2 }));
  expect(read).toMatchObject({ width: 10, height: 6, repeats: true, palettes: 1 });
  expect(read.frames.map(({ delay }) => delay)).toEqual([10, 10, 10, 10]);
  for (const [f, frame] of read.frames.entries()) {
    const expected = Array.from({ length: 60 }, (_, i) => colour(f, Math.floor(i / 20), Math.floor((i % 10) / 2))).flat();
    expect(frame.pixels).toEqual(expected);
  }
});

test("a GIF of moving shapes stays near the clip, and what does not move does not shimmer", () => {
  const clip = shapesClip();
  const read = readGif(gif(clip, { scale: 1 }));
  expect(read.frames).toHaveLength(16);
  // 13 hundredths of a second is the nearest that the format has to an eighth.
  expect(read.frames[0]?.delay).toBe(13);
  let worst = 0;
  for (const [f, { pixels }] of read.frames.entries()) {
    for (let i = 0; i < 4096; i++) {
      for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs((pixels[3 * i + c] ?? 0) - (clip.frames[(f * 4096 + i) * 4 + c] ?? 0)));
    }
  }
  // 256 colours for a shape's soft outline: cells of 5, 6 and 5 bits are 8 wide, and neighbours may share one.
  expect(worst).toBeLessThanOrEqual(16);
  expect(new Set(read.frames.map(({ pixels }) => pixels.slice(0, 3).join())).size).toBe(1);
});

/** The path's box in an MP4, each box named by four letters; sizes count their own eight bytes of head. */
function box(bytes: Uint8Array, ...path: readonly string[]): DataView {
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const name of path) {
    let at = name === "avc1" ? 8 : 0;
    while (String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i))) !== name) at += view.getUint32(at);
    view = new DataView(view.buffer, view.byteOffset + at + 8, view.getUint32(at) - 8);
  }
  return view;
}

test("an MP4: sizes, frames and time in its boxes", async () => {
  const bytes = await mp4(shapesClip());
  expect(box(bytes, "ftyp").byteLength).toBeGreaterThan(0);
  expect(box(bytes, "mdat").byteLength).toBeGreaterThan(1000);
  const track = ["moov", "trak", "mdia", "minf", "stbl"];
  expect(box(bytes, ...track, "stsz").getUint32(8)).toBe(16);
  const sample = box(bytes, ...track, "stsd", "avc1");
  expect([sample.getUint16(24), sample.getUint16(26)]).toEqual([256, 256]);
  const header = box(bytes, "moov", "trak", "mdia", "mdhd");
  expect(header.getUint32(16) / header.getUint32(12)).toBeCloseTo(2, 2);
});

test("an MP4 of an odd size becomes even; the library's handlers of uncaught errors do not stay", async () => {
  const before = process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
  const bytes = await mp4(
    clipOf(3, 5, 2, () => [9, 9, 9]),
    { scale: 9 },
  );
  const sample = box(bytes, "moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1");
  expect([sample.getUint16(24), sample.getUint16(26)]).toEqual([54, 90]);
  expect(process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection")).toBe(before);
});

test("a contact sheet: frames in reading order, grey between and after them", () => {
  const clip = clipOf(2, 1, 3, (f, _, x) => [50 * f, 100 * x, 7]);
  const sheet = decode(contactSheet(clip, { scale: 1, columns: 2 }));
  expect(sheet).toMatchObject({ width: 6, height: 4, channels: 4 });
  const at = (y: number, x: number) => [...sheet.data.slice((y * 6 + x) * 4, (y * 6 + x) * 4 + 4)];
  const grey = [128, 128, 128, 255];
  expect([0, 1, 2, 3, 4, 5].map((x) => at(0, x))).toEqual([
    [0, 0, 7, 255],
    [0, 100, 7, 255],
    grey,
    grey,
    [50, 0, 7, 255],
    [50, 100, 7, 255],
  ]);
  expect([0, 1, 2, 3, 4, 5].map((x) => at(3, x))).toEqual([[100, 0, 7, 255], [100, 100, 7, 255], grey, grey, grey, grey]);
  expect(decode(contactSheet(clipOf(64, 64, 16, () => [1, 2, 3]))).width).toBe(4 * 130 - 2);
});

test("the doors' encoders, and what they refuse", async () => {
  const clip = clipOf(2, 1, 3, () => [1, 2, 3]);
  const kinds = [encodeGif(clip), await encodeMp4(clip), encodePng(clip)].map((bytes) => String.fromCharCode(...bytes.subarray(0, 8)));
  expect(kinds).toEqual([expect.stringMatching(/^GIF89a/), expect.stringMatching(/ftyp$/), "\x89PNG\r\n\x1a\n"]);
  const refused = (option: string) =>
    expect.objectContaining({ code: "option-invalid", message: expect.stringContaining(`${option} must be`) });
  expect(() => encodeGif(clip, { fps: 0 })).toThrow(refused("fps"));
  expect(() => encodeGif(clip, { scale: 1.5 })).toThrow(refused("scale"));
  await expect(encodeMp4(clip, { fps: Number.NaN })).rejects.toEqual(refused("fps"));
  await expect(encodeMp4(clip, { scale: 0 })).rejects.toEqual(refused("scale"));
  expect(() => encodePng(clip, { columns: 0 })).toThrow(refused("columns"));
});
