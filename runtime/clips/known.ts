/** Known parts of a clip, frames and masks where they stand in time, to the clean latent of the clip and how much of each of its places is known. */

import { mvcError } from "../errors.ts";
import { type ClipInput, type Frames, type Mask, readFrames, readMask } from "./clip-input.ts";
import { type ClipShape, firstPictureOf, frameElements, picturesFor, type Size } from "./clip-shape.ts";

/** Frames of a clip that are given, and not sampled. */
export interface Known {
  readonly clip: ClipInput;
  /** Which frame of the clip its first one is, 0 when not given; frames of the latent where latents are given. */
  readonly at?: number;
  /**
   * White, or 1, where the clip is made anew all the same, as in diffusers' inpainting: one for all frames that are given, or one each.
   * A place of the latent is known as far as all pixels that it stands for are.
   */
  readonly mask?: ClipInput;
}

/** Known frames, read and checked. */
export interface KnownFrames {
  readonly frames: Frames;
  readonly at: number;
  readonly mask: Mask | undefined;
}

/** `latent` and `keep` are [length, …one frame of the latent]: the clean latent, and how much of it is known, from 0 to 1. */
export interface KnownLatent {
  readonly latent: Float32Array;
  readonly keep: Float32Array;
}

/** `length` in frames of the latent; `input` is what the caller calls it. Throws MvcError `input-invalid`. */
export function readKnown({ clip, at = 0, mask }: Known, input: string, shape: ClipShape, length: number): KnownFrames {
  const frames = readFrames(clip, input, shape);
  const room = frames.of === "latents" ? length : picturesFor(shape.pace, length);
  if (!Number.isSafeInteger(at) || at < 0 || at + frames.count > room) {
    const where = frames.count === 1 ? `frame ${at}` : `frames ${at} to ${at + frames.count - 1}`;
    throw mvcError("input-invalid", { input, expected: `within the clip's ${room} frames, which \`length\` may make more`, found: where });
  }
  const read = mask === undefined ? undefined : readMask(mask, `${input}'s mask`, shape);
  if (read !== undefined && read.count !== 1 && read.count !== frames.count) {
    const expected = `one picture, or one for each of ${frames.count} frames`;
    throw mvcError("input-invalid", { input: `${input}'s mask`, expected, found: `${read.count}` });
  }
  return { frames, at, mask: read };
}

/** The pictures of a whole clip, [n, 3, height, width]: what is given where it stands, and the nearest given frame where nothing is. Undefined where no pictures are given. */
export function assembled(parts: readonly KnownFrames[], { picture, pace }: ClipShape, length: number): Float32Array | undefined {
  const given = parts.filter(({ frames }) => frames.of === "pictures");
  if (given.length === 0 || picture === undefined) return undefined;
  const count = picturesFor(pace, length);
  const size = 3 * picture.height * picture.width;
  const sources = new Map<number, Float32Array>();
  for (const { frames, at } of given) {
    for (let i = 0; i < frames.count; i++) sources.set(at + i, frames.values.subarray(i * size, (i + 1) * size));
  }
  const places = [...sources.keys()].sort((a, b) => a - b);
  const pictures = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const nearest = places.reduce((best, place) => (Math.abs(place - i) < Math.abs(best - i) ? place : best));
    pictures.set(sources.get(nearest) ?? [], i * size);
  }
  return pictures;
}

/** `encoded` is the latent of the assembled pictures. Where parts meet, the later one holds. */
export function knownLatent(
  parts: readonly KnownFrames[],
  encoded: Float32Array | undefined,
  shape: ClipShape,
  length: number,
): KnownLatent {
  const size = frameElements(shape);
  const latent = encoded?.slice() ?? new Float32Array(length * size);
  const keep = new Float32Array(length * size);
  for (const part of parts) {
    for (let frame = 0; frame < length; frame++) {
      const pictures = picturesOf(part, shape, frame);
      if (pictures === undefined) continue;
      const own = part.frames.of === "latents" ? part.frames.values.subarray(pictures[0] * size, (pictures[0] + 1) * size) : undefined;
      if (own !== undefined) latent.set(own, frame * size);
      keep.set(keptOf(part.mask, pictures, shape), frame * size);
    }
  }
  return { latent, keep };
}

/** Which of a part's frames a frame of the latent stands for, the first and the last; undefined where the part has not all of them. */
function picturesOf({ frames, at }: KnownFrames, { pace }: ClipShape, frame: number): readonly [number, number] | undefined {
  const latents = frames.of === "latents";
  const first = (latents ? frame : firstPictureOf(pace, frame)) - at;
  const last = (latents ? frame : firstPictureOf(pace, frame + 1) - 1) - at;
  return first >= 0 && last < frames.count ? [first, last] : undefined;
}

/** How much of each place of one frame of the latent is known, the same in all channels: the least of the pixels that it stands for. */
function keptOf(mask: Mask | undefined, [first, last]: readonly [number, number], shape: ClipShape): Float32Array {
  const kept = new Float32Array(frameElements(shape)).fill(1);
  if (mask === undefined || shape.latent === undefined) return kept;
  const { height, width } = shape.latent;
  const [rows, columns] = [mask.height / height, mask.width / width];
  const plane = height * width;
  for (let place = 0; place < plane; place++) {
    const [y, x] = [Math.floor(place / width), place % width];
    const across = {
      top: Math.floor(y * rows),
      bottom: Math.ceil((y + 1) * rows),
      left: Math.floor(x * columns),
      right: Math.ceil((x + 1) * columns),
    };
    let least = 1;
    for (let frame = first; frame <= last; frame++) least = Math.min(least, leastKept(mask, mask.count === 1 ? 0 : frame, across));
    for (let at = place; at < kept.length; at += plane) kept[at] = least;
  }
  return kept;
}

interface Across {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

function leastKept({ values, height, width }: Mask & Size, frame: number, { top, bottom, left, right }: Across): number {
  let least = 1;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) least = Math.min(least, 1 - (values[(frame * height + y) * width + x] ?? 0));
  }
  return least;
}
