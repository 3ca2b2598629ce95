/** A clip to how much its frames change beyond what moves: the frame difference that is left once each block has gone where it fits best. */

import type { Pixels } from "./pixels.ts";

/** Pixels: blocks of motion compensation, as video codecs have them. */
const block = 8;
/** How far a block may have moved: 4 pixels of 64 (golden/reference's JUMP), in proportion of wider clips. */
const reach = (width: number) => Math.max(1, Math.round(width / 16));

/**
 * The mean absolute difference, of 255, between each block of 8x8 and the block of the frame before that is most like it among all whole
 * displacements of up to a sixteenth of the width: 0 of a clip that stands still or moves by whole pixels; what is left of real clips
 * is edges that move by parts of a pixel. 0 of a single frame.
 */
export function flickerOf({ frames, height, width, pixels }: Pixels): number {
  const size = height * width * 3;
  const most = reach(width);
  let [sum, count] = [0, 0];
  for (let frame = 1; frame < frames; frame++) {
    const before = pixels.subarray((frame - 1) * size, frame * size);
    const now = pixels.subarray(frame * size, (frame + 1) * size);
    for (let top = 0; top < height; top += block)
      for (let left = 0; left < width; left += block) {
        const place = { top, left, rows: Math.min(block, height - top), columns: Math.min(block, width - left) };
        let least = difference(before, now, place, 0, 0, width, Number.POSITIVE_INFINITY);
        for (let dy = Math.max(-most, -top); dy <= Math.min(most, height - top - place.rows) && least > 0; dy++)
          for (let dx = Math.max(-most, -left); dx <= Math.min(most, width - left - place.columns) && least > 0; dx++)
            least = Math.min(least, difference(before, now, place, dy, dx, width, least));
        sum += least;
        count += place.rows * place.columns * 3;
      }
  }
  return count === 0 ? 0 : sum / count;
}

/**
 * Of a clip that another should equal, where it shimmers: how much its error changes from one frame to the next, the mean absolute difference, of
 * 255, of (found - wanted) in successive frames. 0 where the error stands still, however large it is, and of a single frame.
 */
export function flickerBeside(wanted: Pixels, found: Pixels): number {
  const { frames, height, width } = wanted;
  const size = height * width * 3;
  const error = (i: number) => (found.pixels[i] as number) - (wanted.pixels[i] as number);
  let sum = 0;
  for (let i = size; i < frames * size; i++) sum += Math.abs(error(i) - error(i - size));
  return frames < 2 ? 0 : sum / ((frames - 1) * size);
}

interface Place {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
}

/** The sum of absolute differences, or any number of at least `enough` once it has come to that. */
function difference(
  before: Uint8Array,
  now: Uint8Array,
  { top, left, rows, columns }: Place,
  dy: number,
  dx: number,
  width: number,
  enough: number,
): number {
  let sum = 0;
  for (let row = top; row < top + rows && sum < enough; row++) {
    let at = (row * width + left) * 3;
    let from = ((row + dy) * width + left + dx) * 3;
    for (const end = at + columns * 3; at < end; at++, from++) sum += Math.abs((now[at] as number) - (before[from] as number));
  }
  return sum;
}
