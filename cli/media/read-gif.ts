/** The bytes of a GIF to the pictures that a viewer shows one after another, and when: red, green, blue and opacity, a byte each. */

import { GifReader } from "omggif";
import type { Picture } from "../../runtime/conditions.ts";
import { mvcError, reasonOf } from "../../runtime/errors.ts";
import type { Film } from "./film.ts";

/** GIF89a, section 23: what becomes of a frame's place before the next one is drawn. */
const toBackground = 2;
const toPrevious = 3;

/** A clip of more pixels than this is no clip of a model. */
const mostPixels = 2 ** 28;

/** Hundredths of a second. Viewers show frames that ask for none or for one this long. */
const usualDelay = 10;

/** All pictures at once. Throws MvcError `file-unreadable`; `file` is what the user called it. */
export function readGif(bytes: Uint8Array, file: string): readonly Picture[] {
  return reworded(file, () => {
    const gif = opened(bytes);
    const { width, height } = gif;
    const count = gif.numFrames();
    if (count * width * height > mostPixels) throw new Error(`${count} frames of ${width}x${height} are too many`);
    return Array.from(shownPictures(gif), (picture) => ({ ...picture, data: picture.data.slice() }));
  });
}

/** Each picture as it is asked for, drawn over those before it. Throws as `readGif`. */
export function gifFilm(bytes: Uint8Array, file: string): Film {
  const gif = reworded(file, () => opened(bytes));
  const count = gif.numFrames();
  let end = 0;
  const starts = Array.from({ length: count }, (_, i) => {
    const start = end;
    const { delay } = gif.frameInfo(i);
    end += delay > 1 ? delay : usualDelay;
    return start / 100;
  });
  return {
    width: gif.width,
    height: gif.height,
    aspect: 1,
    count,
    shown: { starts, end: end / 100 },
    async *pictures(places) {
      const wanted = new Set(places);
      const last = places.at(-1) ?? -1;
      const pictures = shownPictures(gif);
      for (let i = 0; i <= last; i++) {
        const { value } = reworded(file, () => pictures.next());
        if (wanted.has(i)) yield value as Picture;
      }
    },
    close() {},
  };
}

function reworded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw mvcError("file-unreadable", {
      file,
      reason: `it is no GIF that can be read (${reasonOf(thrown)})`,
      way: "save it as a GIF again, or its frames as PNGs",
    });
  }
}

function opened(bytes: Uint8Array): GifReader {
  const gif = new GifReader(bytes);
  if (gif.numFrames() === 0) throw new Error("it has no frames");
  if (gif.width * gif.height > mostPixels) throw new Error(`${gif.width}x${gif.height} are too many pixels`);
  return gif;
}

/** The same picture again and again, as it looks at each frame. */
function* shownPictures(gif: GifReader): Generator<Picture, undefined> {
  const { width, height } = gif;
  const canvas = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < gif.numFrames(); i++) {
    const frame = gif.frameInfo(i);
    if (frame.x + frame.width > width || frame.y + frame.height > height) throw new Error(`frame ${i} lies beyond the picture`);
    const before = frame.disposal === toPrevious ? canvas.slice() : undefined;
    if (fallsShort(() => gif.decodeAndBlitFrameRGBA(i, canvas))) throw new Error(`frame ${i} has too few pixels`);
    yield { width, height, data: canvas };
    if (before !== undefined) canvas.set(before);
    // Viewers clear to nothing, whatever the file calls its background.
    if (frame.disposal === toBackground) {
      for (let y = frame.y; y < frame.y + frame.height; y++)
        canvas.fill(0, (y * width + frame.x) * 4, (y * width + frame.x + frame.width) * 4);
    }
  }
}

/** The library tells of pixels that are missing, or too many, by nothing but a line on the console, which is standard output. */
function fallsShort(decode: () => void): boolean {
  const { log } = console;
  let short = false;
  console.log = (text: unknown) => {
    short ||= String(text).includes("shorter than expected");
  };
  try {
    decode();
  } finally {
    console.log = log;
  }
  return short;
}
