/** The bytes of a GIF to the pictures that a viewer shows one after another, and when, by the omggif that the caller has loaded. */

import type { Picture } from "../conditions.ts";
import { type MvcError, mvcError, reasonOf } from "../errors.ts";

/** What is used of omggif, which brings no types. */
export interface Omggif {
  readonly GifReader: new (bytes: Uint8Array) => GifReader;
}

export interface GifReader {
  readonly width: number;
  readonly height: number;
  numFrames(): number;
  frameInfo(index: number): {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly disposal: number;
    /** Hundredths of a second. */
    readonly delay: number;
    /** Where its pixels lie. */
    readonly data_offset: number;
    readonly data_length: number;
  };
  /** Draws one frame's own pixels over [height, width, 4]; those that it leaves out stay. */
  decodeAndBlitFrameRGBA(index: number, pixels: Uint8ClampedArray): void;
}

/** GIF89a, section 23: what becomes of a frame's place before the next one is drawn. */
const toBackground = 2;
const toPrevious = 3;

/** GIF89a, section 27. */
const trailer = 0x3b;

/** A clip of more pixels than this is no clip of a model. */
const mostPixels = 2 ** 28;

/** Hundredths of a second. Viewers show frames that ask for none or for one this long. */
const usualDelay = 10;

export interface Gif {
  readonly width: number;
  readonly height: number;
  /** When each frame is shown, in seconds, until the next one is, the last until `end`. */
  readonly starts: readonly number[];
  readonly end: number;
  /** Whether it has its mark of the end: what is cut between two frames shows those that are left. */
  readonly whole: boolean;
  /** The same picture again and again, as it looks at each frame. Throws MvcError `file-unreadable`. */
  pictures(): Generator<Picture, undefined>;
}

/** All pictures at once. Throws MvcError `file-unreadable`; `file` is what the user called it. */
export function decodeGif(omggif: Omggif, bytes: Uint8Array, file: string): readonly Picture[] {
  const { width, height, starts, pictures } = openGif(omggif, bytes, file);
  if (starts.length * width * height > mostPixels) throw unreadable(file, `${starts.length} frames of ${width}x${height} are too many`);
  return Array.from(pictures(), (picture) => ({ ...picture, data: picture.data.slice() }));
}

/** Throws as `decodeGif`. */
export function openGif({ GifReader }: Omggif, bytes: Uint8Array, file: string): Gif {
  const gif = reworded(file, () => new GifReader(bytes));
  const { width, height } = gif;
  const count = gif.numFrames();
  if (count === 0) throw unreadable(file, "it has no frames");
  if (width * height > mostPixels) throw unreadable(file, `${width}x${height} are too many pixels`);
  let end = 0;
  const starts = Array.from({ length: count }, (_, i) => {
    const start = end;
    const { delay } = gif.frameInfo(i);
    end += delay > 1 ? delay : usualDelay;
    return start / 100;
  });
  const last = gif.frameInfo(count - 1);
  const whole = bytes.subarray(last.data_offset + last.data_length).includes(trailer);
  return { width, height, starts, end: end / 100, whole, pictures: () => shownPictures(gif, file) };
}

function* shownPictures(gif: GifReader, file: string): Generator<Picture, undefined> {
  const { width, height } = gif;
  const canvas = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < gif.numFrames(); i++) {
    const frame = gif.frameInfo(i);
    if (frame.x + frame.width > width || frame.y + frame.height > height) throw unreadable(file, `frame ${i} lies beyond the picture`);
    const before = frame.disposal === toPrevious ? canvas.slice() : undefined;
    if (reworded(file, () => fallsShort(() => gif.decodeAndBlitFrameRGBA(i, canvas))))
      throw unreadable(file, `frame ${i} has too few pixels`);
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

function unreadable(file: string, reason: string): MvcError {
  return mvcError("file-unreadable", {
    file,
    reason: `it is no GIF that can be read (${reason})`,
    way: "save it as a GIF again, or its frames as PNGs",
  });
}

function reworded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw unreadable(file, reasonOf(thrown));
  }
}
