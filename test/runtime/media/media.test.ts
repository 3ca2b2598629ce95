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

test.each([
  [8, [13, 12, 13, 12, 13, 12, 13, 12, 13, 12, 13, 12, 13, 12, 13, 12], 200],
  [10, Array(16).fill(10), 160],
  [24, [4, 4, 5, 4, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4, 5, 4], 67],
  [0.5, Array(16).fill(200), 3200],
])("a GIF of %d frames a second lasts as long as it should, to a hundredth of a second", (fps, delays, sum) => {
  const clip = clipOf(2, 2, 16, (f) => [f, 0, 0]);
  const read = readGif(gif(clip, { fps, scale: 1 }));
  expect(read.frames.map(({ delay }) => delay)).toEqual(delays);
  // 16 frames: 2 s, 1.6 s, 0.6667 s, 32 s.
  expect(read.frames.reduce((all, { delay }) => all + delay, 0)).toBe(sum);
});

test.each([
  [8, 0.125],
  [12.5, 0.08],
  [23.976, 1 / 23.976],
  [0.5, 2],
  [0.01, 100],
])("an MP4 of %d frames a second says so in all of its boxes", async (fps, seconds) => {
  const bytes = await mp4(
    clipOf(16, 16, 3, (f) => [90 * f, 9, 9]),
    { fps, scale: 1 },
  );
  const media = box(bytes, "moov", "trak", "mdia", "mdhd");
  const scale = media.getUint32(12);
  const times = box(bytes, "moov", "trak", "mdia", "minf", "stbl", "stts");
  const runs = Array.from({ length: times.getUint32(4) }, (_, i) => [times.getUint32(8 + 8 * i), times.getUint32(12 + 8 * i)] as const);
  expect(runs.reduce((frames, [count]) => frames + count, 0)).toBe(3);
  // Ticks are ten-thousandths of a frame or of a second.
  for (const [, ticks] of runs) expect(Math.abs(ticks / scale / seconds - 1)).toBeLessThan(1e-4);
  expect(media.getUint32(16) / scale / (3 * seconds)).toBeCloseTo(1, 4);
  const movie = box(bytes, "moov", "mvhd");
  expect(movie.getUint32(16) / movie.getUint32(12)).toBe(media.getUint32(16) / scale);
  expect(box(bytes, "moov", "trak", "tkhd").getUint32(20)).toBe(movie.getUint32(16));
  // Its offsets still lead to the frames: an access unit begins with the length of its first part.
  const [offset] = [box(bytes, "moov", "trak", "mdia", "minf", "stbl", "stco").getUint32(8)];
  expect(offset).toBe(box(bytes, "mdat").byteOffset);
});

const about = { software: "mvc 0.1.0", prompt: "un cœur rouge, “rising”", seed: "3" };

test("a GIF, a PNG and an MP4 keep what they were made of, and are the same pictures", async () => {
  const clip = clipOf(16, 16, 3, (f, y) => [90 * f, 9 * y, 9]);
  const [plain, told] = [gif(clip), gif(clip, { about: { ...about, long: "a".repeat(600) } })].map(readGif);
  expect(told?.frames).toEqual(plain?.frames);
  expect(JSON.parse(told?.comment ?? "")).toEqual({ ...about, long: "a".repeat(600) });
  const bytes = contactSheet(clip, { about });
  const sheet = decode(bytes);
  expect(sheet.data).toEqual(decode(contactSheet(clip)).data);
  expect(sheet.text).toEqual({ software: "mvc 0.1.0", seed: "3" });
  const international = new TextDecoder().decode(bytes);
  expect(international).toContain(`iTXtprompt\0\0\0\0\0${about.prompt}`);
  const film = await mp4(clip, { about });
  const without = await mp4(clip);
  expect(box(film, "mdat").byteLength).toBe(box(without, "mdat").byteLength);
  const meta = box(film, "moov", "udta", "meta");
  const items = new Uint8Array(meta.buffer, meta.byteOffset + 4, meta.byteLength - 4);
  const textOf = (item: string) => {
    const data = box(items, "ilst", item, "data");
    return new TextDecoder().decode(new Uint8Array(data.buffer, data.byteOffset + 8, data.byteLength - 8));
  };
  expect(textOf("©too")).toBe("mvc 0.1.0");
  expect(JSON.parse(textOf("©cmt"))).toEqual(about);
  // The time of making is in none of it.
  await new Promise((done) => setTimeout(done, 1100));
  expect(await mp4(clip, { about })).toEqual(film);
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
