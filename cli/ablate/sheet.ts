/** Clips of a few prompts to one small picture, a row a prompt and a column a frame, from which a page plays them. */

import { type Clip, frameOf } from "../../runtime/clip.ts";
import { gif } from "../../runtime/node/gif.ts";

/** Frames of a clip and pixels of a frame at most: a report has many of these sheets within it. */
const [mostFrames, mostPixels] = [8, 64];

/** Colours are kept to so many levels a channel: what is nearly flat becomes flat, and small. */
const colourLevels = 32;

/** How many frames a sheet has of a clip of so many. */
export const framesOf = (frames: number): number => Math.min(mostFrames, frames);

/** The bytes of a GIF of one picture. Clips are of the same size. */
export function sheetOf(clips: readonly Clip[]): Uint8Array {
  const [first] = clips;
  if (first === undefined) throw new Error("ablate: a sheet of no clips");
  const by = Math.ceil(Math.max(first.width, first.height) / mostPixels);
  const [width, height, count] = [Math.floor(first.width / by), Math.floor(first.height / by), framesOf(first.frameCount)];
  const stride = width * count;
  const frames = new Uint8ClampedArray(stride * height * clips.length * 4).fill(255);
  for (const [row, clip] of clips.entries())
    for (let column = 0; column < count; column++) {
      const frame = frameOf(clip, count === 1 ? 0 : Math.round((column * (clip.frameCount - 1)) / (count - 1)));
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const to = ((row * height + y) * stride + column * width + x) * 4;
          for (let c = 0; c < 3; c++) frames[to + c] = levelled(boxMean(frame, clip.width, { x: x * by, y: y * by, by, c }));
        }
    }
  return gif({ width: stride, height: height * clips.length, frameCount: 1, frames }, { scale: 1 });
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly by: number;
  readonly c: number;
}

function boxMean(frame: Uint8ClampedArray, width: number, { x, y, by, c }: Box): number {
  let sum = 0;
  for (let j = 0; j < by; j++) for (let i = 0; i < by; i++) sum += frame[((y + j) * width + x + i) * 4 + c] ?? 0;
  return sum / (by * by);
}

const levelled = (value: number) => (Math.round((value / 255) * (colourLevels - 1)) / (colourLevels - 1)) * 255;
