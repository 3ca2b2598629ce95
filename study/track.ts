/** A clip of one bright thing before a dark background to where the thing is in each frame, how it moves, and its colour. */

import type { Pixels } from "./pixels.ts";

/** The largest of a pixel's three channels counts from 40 of 255 on, and fully from 160 on, as in golden/reference. */
const [dark, range] = [40, 120];
/** Pixels: a thing that covers fewer is not there. The smallest of moving-shapes covers about 180 of 64x64. */
export const blankArea = 60;
/** Pixels a frame: a centroid that goes further has jumped. Those of moving-shapes go 1.7 to 2.4 (golden/reference's JUMP). */
export const jumpLength = 4;
/** Of 255: a mean colour whose channel changes by more from one frame to the next is seen to jump (golden/reference's HUE). */
export const colourJump = 30;
/** Pixels a frame: what goes less stands still (golden/reference). */
const stillSpeed = 0.7;
/** Of 255, between the strongest and the weakest channel: what has less is grey, and has no hue. */
const leastChroma = 10;

export interface TrackedFrame {
  /** The centroid, weighted by brightness, in pixels from the frame's left and upper edge. */
  readonly x: number;
  readonly y: number;
  /** How many pixels the thing covers. */
  readonly area: number;
  /** Its mean colour, 0 to 255. */
  readonly colour: readonly [number, number, number];
}

export function trackOf({ frames, height, width, pixels }: Pixels): readonly TrackedFrame[] {
  return Array.from({ length: frames }, (_, frame): TrackedFrame => {
    let [area, x, y] = [0, 0, 0];
    const colour: [number, number, number] = [0, 0, 0];
    let at = frame * height * width * 3;
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++, at += 3) {
        const [red = 0, green = 0, blue = 0] = [pixels[at], pixels[at + 1], pixels[at + 2]];
        const light = Math.min(1, Math.max(0, Math.max(red, green, blue) - dark) / range);
        if (light === 0) continue;
        area += light;
        x += light * (column + 0.5);
        y += light * (row + 0.5);
        colour[0] += light * red;
        colour[1] += light * green;
        colour[2] += light * blue;
      }
    const all = Math.max(area, 1e-6);
    return { x: x / all, y: y / all, area, colour: [colour[0] / all, colour[1] / all, colour[2] / all] };
  });
}

/** How far the centroid goes from each frame to the next, in pixels. */
export function stepsOf(track: readonly TrackedFrame[]): readonly number[] {
  return pairs(track, (a, b) => Math.hypot(b.x - a.x, b.y - a.y));
}

/** Pixels a frame on each axis, of the straight line that fits the centroids best (least squares). */
export function velocityOf(track: readonly TrackedFrame[]): readonly [number, number] {
  const middle = (track.length - 1) / 2;
  let [x, y, squares] = [0, 0, 0];
  for (const [frame, at] of track.entries()) {
    x += (frame - middle) * at.x;
    y += (frame - middle) * at.y;
    squares += (frame - middle) ** 2;
  }
  return squares === 0 ? [0, 0] : [x / squares, y / squares];
}

/** Which of these unit vectors (y down) the thing goes along most; undefined where it stands still. */
export function directionOf(track: readonly TrackedFrame[], directions: readonly (readonly [number, number])[]): number | undefined {
  const [x, y] = velocityOf(track);
  if (Math.hypot(x, y) < stillSpeed) return undefined;
  const along = directions.map(([dx, dy]) => dx * x + dy * y);
  return along.indexOf(Math.max(...along));
}

/** Whether the thing's mean colour jumps between any two successive frames. */
export function colourJumps(track: readonly TrackedFrame[]): boolean {
  return pairs(track, (a, b) => Math.max(...a.colour.map((value, i) => Math.abs(value - (b.colour[i] ?? 0))))).some(
    (change) => change > colourJump,
  );
}

/** The largest angle between the hues that the thing has in any two frames, in degrees; frames that are blank or grey have none. */
export function hueDrift(track: readonly TrackedFrame[]): number {
  const hues = track.flatMap(({ area, colour }) =>
    area < blankArea || Math.max(...colour) - Math.min(...colour) < leastChroma ? [] : [hueOf(colour)],
  );
  let most = 0;
  for (const [i, a] of hues.entries())
    for (const b of hues.slice(i + 1)) {
      const apart = Math.abs(a - b) % 360;
      most = Math.max(most, Math.min(apart, 360 - apart));
    }
  return most;
}

/** The angle in the plane of the grey axis, red at 0, green at 120, blue at 240 degrees. */
function hueOf([red, green, blue]: readonly [number, number, number]): number {
  return (Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue) * 180) / Math.PI;
}

function pairs<T, R>(list: readonly T[], of: (a: T, b: T) => R): readonly R[] {
  return list.slice(1).map((one, i) => of(list[i] as T, one));
}
