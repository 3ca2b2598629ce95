/** The bytes of a GIF to the pictures that a viewer shows one after another, by the omggif that the caller has loaded. */

import type { Picture } from "../conditions.ts";
import { mvcError, reasonOf } from "../errors.ts";

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
  };
  /** Draws one frame's own pixels over [height, width, 4]; those that it leaves out stay. */
  decodeAndBlitFrameRGBA(index: number, pixels: Uint8ClampedArray): void;
}

/** GIF89a, section 23: what becomes of a frame's place before the next one is drawn. */
const toBackground = 2;
const toPrevious = 3;

/** A clip of more pixels than this is no clip of a model. */
const mostPixels = 2 ** 28;

/** How long each frame is shown is not heard of. Throws MvcError `file-unreadable`; `file` is what the user called it. */
export function decodeGif({ GifReader }: Omggif, bytes: Uint8Array, file: string): readonly Picture[] {
  try {
    return picturesOf(new GifReader(bytes));
  } catch (thrown) {
    throw mvcError("file-unreadable", {
      file,
      reason: `it is no GIF that can be read (${reasonOf(thrown)})`,
      way: "save it as a GIF again, or its frames as PNGs",
    });
  }
}

function picturesOf(gif: GifReader): readonly Picture[] {
  const { width, height } = gif;
  const count = gif.numFrames();
  if (count === 0) throw new Error("it has no frames");
  if (count * width * height > mostPixels) throw new Error(`${count} frames of ${width}x${height} are too many`);
  const canvas = new Uint8ClampedArray(width * height * 4);
  return Array.from({ length: count }, (_, i) => {
    const frame = gif.frameInfo(i);
    if (frame.x + frame.width > width || frame.y + frame.height > height) throw new Error(`frame ${i} lies beyond the picture`);
    const before = frame.disposal === toPrevious ? canvas.slice() : undefined;
    gif.decodeAndBlitFrameRGBA(i, canvas);
    const data = canvas.slice();
    if (before !== undefined) canvas.set(before);
    // Viewers clear to nothing, whatever the file calls its background.
    if (frame.disposal === toBackground) {
      for (let y = frame.y; y < frame.y + frame.height; y++)
        canvas.fill(0, (y * width + frame.x) * 4, (y * width + frame.x + frame.width) * 4);
    }
    return { width, height, data };
  });
}
