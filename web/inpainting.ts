/** What of a clip is made anew, a box or a mask over some frames, to the pipeline's mask, and to the places that the pipeline keeps under it. */

import { type ClipShape, firstPictureOf, frameElements, type Size } from "../runtime/clips/clip-shape.ts";
import { knownLatent } from "../runtime/clips/known.ts";
import { fitPicture } from "../runtime/media/fit.ts";
import type { Picture } from "../runtime/web/index.ts";
import type { Box, Part } from "./wish.ts";

/** [count, height, width]: 1 where the clip is made anew. `mask` is the picture that is white there, of any size; without it nothing is. */
export function maskOf({ where, box, first, last }: Part, { width, height }: Size, count: number, mask?: Picture): Float32Array {
  const plane = new Float32Array(height * width);
  const fitted = mask && fitPicture(mask, width, height).data;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const inside = x >= box.left && x < box.left + box.width && y >= box.top && y < box.top + box.height;
      if (where !== "mask") plane[at] = inside === (where === "inside") ? 1 : 0;
      else if (fitted !== undefined)
        plane[at] = ((fitted[4 * at] ?? 0) + (fitted[4 * at + 1] ?? 0) + (fitted[4 * at + 2] ?? 0)) / (3 * 255);
    }
  }
  const values = new Float32Array(count * plane.length);
  for (let frame = first; frame <= Math.min(last ?? count, count); frame++) values.set(plane, (frame - 1) * plane.length);
  return values;
}

/** How much of each place of the latent is kept under a mask, frame of a picture by frame, [count, latent height, latent width]: as the pipeline has it. */
export function keptUnder(values: Float32Array, count: number, shape: ClipShape): Float32Array {
  const { picture, latent } = shape;
  if (picture === undefined || latent === undefined) return new Float32Array();
  const frames = Array.from({ length: count }, (_, frame) => latentFrameOf(frame, shape));
  const length = (frames.at(-1) ?? 0) + 1;
  const mask = { of: "pictures", ...picture, count, values } as const;
  const known = { frames: { of: "pictures", count, values }, at: 0, mask } as const;
  const { keep } = knownLatent([known], undefined, shape, length);
  const plane = latent.height * latent.width;
  const shown = new Float32Array(count * plane);
  for (const [i, frame] of frames.entries()) shown.set(keep.subarray(frame * frameElements(shape)).subarray(0, plane), i * plane);
  return shown;
}

/** The frame of the latent that stands for a picture. */
function latentFrameOf(picture: number, { pace }: ClipShape): number {
  let frame = 0;
  while (firstPictureOf(pace, frame + 1) <= picture) frame++;
  return frame;
}

/** A place of the latent, in pixels: what a box is made of. */
export function placeOf({ picture, latent }: ClipShape): Size {
  if (picture === undefined || latent === undefined) return { width: 1, height: 1 };
  return { width: Math.max(1, picture.width / latent.width), height: Math.max(1, picture.height / latent.height) };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The whole places that two points and all between them lie in; points are in pixels, and those beyond the picture count as its edge. */
export function boxBetween(a: Point, b: Point, shape: ClipShape): Box {
  const { width = 1, height = 1 } = shape.picture ?? {};
  const place = placeOf(shape);
  const along = (one: number, other: number, size: number, step: number) => {
    const [from, to] = [one, other].map((at) => Math.floor(Math.min(Math.max(at, 0), size - 1) / step)).sort((p, q) => p - q) as [
      number,
      number,
    ];
    return { start: from * step, size: (to - from + 1) * step };
  };
  const [across, down] = [along(a.x, b.x, width, place.width), along(a.y, b.y, height, place.height)];
  return { left: across.start, top: down.start, width: across.size, height: down.size };
}

/** What stands in the form before anybody has drawn: the middle, half as wide and as high as the picture. */
export function middleBox(shape: ClipShape): Box {
  const { width = 1, height = 1 } = shape.picture ?? {};
  return boxBetween({ x: width / 4, y: height / 4 }, { x: (3 * width) / 4 - 1, y: (3 * height) / 4 - 1 }, shape);
}

/** Whether a box is one that can be drawn. */
export function isBox({ left, top, width, height }: Box, shape: ClipShape): boolean {
  const { picture } = shape;
  const place = placeOf(shape);
  if (picture === undefined || !(left >= 0 && top >= 0 && width > 0 && height > 0)) return false;
  const whole = [left, width].every((at) => at % place.width === 0) && [top, height].every((at) => at % place.height === 0);
  return whole && left + width <= picture.width && top + height <= picture.height;
}

/** "32×16 pixels at (8, 0), frames 3 to 12". */
export function partInWords({ where, box, first, last }: Part, count: number): string {
  const { left, top, width, height } = box;
  const boxed = `${where === "outside" ? "all but " : ""}${width}×${height} pixels at (${left}, ${top})`;
  const space = where === "mask" ? "what is white in the mask" : boxed;
  const end = Math.min(last ?? count, count);
  if (first === 1 && end === count) return space;
  return `${space}, ${first === end ? `frame ${first}` : `frames ${first} to ${end}`}`;
}
