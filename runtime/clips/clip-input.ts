/** What a caller gives as a clip or a mask, pictures or tensors, to its numbers: pictures in -1..1, latents, or how much of each place is made anew. */

import { isRecord, shown } from "../arguments.ts";
import type { Clip } from "../clip.ts";
import type { Picture } from "../conditions.ts";
import { mvcError } from "../errors.ts";
import { elements, floatsOf, isTensor, shapeText, type TensorData } from "../tensor.ts";
import type { ClipShape, Size } from "./clip-shape.ts";

/**
 * A picture, several of one size, or a clip as `sample` gives it, of the model's own picture size; or a tensor of one clip: pictures
 * in -1..1, [1, n, 3, height, width] or [1, 3, height, width], or latents, [1, n, Z, H, W], which need no encoder.
 */
export type ClipInput = Picture | readonly Picture[] | Clip | TensorData;

/** `values` is [frames, …one frame], row-major. */
export interface Frames {
  readonly of: "pictures" | "latents";
  readonly count: number;
  readonly values: Float32Array;
}

/** [count, height, width]: 1 where a place is made anew, 0 where it is kept. `of` says whose places they are. */
export interface Mask extends Size {
  readonly of: "pictures" | "latents";
  readonly count: number;
  readonly values: Float32Array;
}

/** Throws MvcError `input-invalid`. `input` is what the caller calls it. */
export function readFrames(given: unknown, input: string, shape: ClipShape): Frames {
  const refuse = () => mvcError("input-invalid", { input, expected: wanted(shape), found: foundOf(given) });
  if (isTensor(given)) return tensorFrames(given, shape, refuse);
  const pictures = picturesOf(given);
  const { picture } = shape;
  if (pictures === undefined || picture === undefined) throw refuse();
  if (pictures.some(({ width, height }) => width !== picture.width || height !== picture.height)) throw refuse();
  const size = 3 * picture.width * picture.height;
  const values = new Float32Array(size * pictures.length);
  for (const [i, one] of pictures.entries()) values.set(pictureValues(one, input), i * size);
  return { of: "pictures", count: pictures.length, values };
}

/** White, or 1, is made anew, as in diffusers' inpainting. Throws MvcError `input-invalid`. */
export function readMask(given: unknown, input: string, { picture, latent, frame }: ClipShape): Mask {
  const sizes = [
    ...(picture === undefined ? [] : [{ ...picture, of: "pictures" as const }]),
    ...(latent === undefined ? [] : [{ ...latent, of: "latents" as const }]),
  ];
  const listed = sizes.map(({ width, height }) => `${width}x${height}`).join(" or ");
  const expected = `a picture, or one a frame, of ${listed}, white where the clip is made anew; or such a tensor in 0..1, [1, n, 1, height, width]`;
  const refuse = () => mvcError("input-invalid", { input, expected, found: foundOf(given) });
  const fitting = (size: Size) => sizes.find(({ width, height }) => width === size.width && height === size.height);
  if (isTensor(given)) {
    const [height = 0, width = 0] = given.shape.slice(-2);
    const found = fitting({ height, width });
    const plain = given.dtype !== "i32" && given.shape[0] === 1 && given.shape.at(-3) === 1;
    if (!plain || (given.shape.length !== 4 && given.shape.length !== 5) || found === undefined) throw refuse();
    const values = floatsOf(given);
    const count = given.shape.length === 4 ? 1 : (given.shape[1] ?? 1);
    if (values.length !== elements(given.shape) || !values.every((value) => value >= 0 && value <= 1)) throw refuse();
    return { ...found, count, values };
  }
  const pictures = picturesOf(given);
  const found = pictures?.[0] && fitting(pictures[0]);
  if (pictures === undefined || found === undefined || frame.length !== 3) throw refuse();
  if (pictures.some(({ width, height }) => width !== found.width || height !== found.height)) throw refuse();
  const plane = found.width * found.height;
  const values = new Float32Array(plane * pictures.length);
  for (const [i, { data }] of pictures.entries()) {
    for (let at = 0; at < plane; at++) {
      const sum = (data[4 * at] ?? 0) + (data[4 * at + 1] ?? 0) + (data[4 * at + 2] ?? 0);
      values[i * plane + at] = sum / (3 * 255);
    }
  }
  return { ...found, count: pictures.length, values };
}

/** Planes of red, green and blue in -1..1. Throws MvcError `input-invalid` for what can be seen through. */
export function pictureValues({ width, height, data }: Picture, input: string): Float32Array {
  if (data.some((value, i) => i % 4 === 3 && value !== 255)) {
    throw mvcError("input-invalid", { input, expected: "a picture that is opaque everywhere", found: "transparent pixels" });
  }
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) for (let i = 0; i < plane; i++) values[c * plane + i] = (data[i * 4 + c] ?? 0) / 127.5 - 1;
  return values;
}

/** Whether a value is a picture whose bytes are all there. */
export function isPicture(value: unknown): value is Picture {
  if (!isRecord(value)) return false;
  const { width, height, data } = value;
  const sized = Number.isSafeInteger(width) && Number.isSafeInteger(height) && (width as number) > 0 && (height as number) > 0;
  return sized && ArrayBuffer.isView(data) && (data as Uint8Array).length === (width as number) * (height as number) * 4;
}

function isClip(value: unknown): value is Clip {
  if (!isRecord(value)) return false;
  const { width, height, frameCount, frames } = value;
  if (![width, height, frameCount].every((size) => Number.isSafeInteger(size) && (size as number) > 0)) return false;
  const bytes = (width as number) * (height as number) * (frameCount as number) * 4;
  return ArrayBuffer.isView(frames) && (frames as Uint8ClampedArray).length === bytes;
}

function picturesOf(given: unknown): readonly Picture[] | undefined {
  if (isPicture(given)) return [given];
  if (Array.isArray(given)) return given.length > 0 && given.every(isPicture) ? given : undefined;
  if (!isClip(given)) return undefined;
  const { width, height, frameCount, frames } = given;
  const bytes = width * height * 4;
  return Array.from({ length: frameCount }, (_, i) => ({ width, height, data: frames.subarray(i * bytes, (i + 1) * bytes) }));
}

function tensorFrames(given: TensorData, { frame, picture }: ClipShape, refuse: () => Error): Frames {
  if (given.dtype === "i32" || given.shape[0] !== 1) throw refuse();
  const values = floatsOf(given);
  if (values.length !== elements(given.shape) || values.length === 0 || !values.every(Number.isFinite)) throw refuse();
  const fits = (one: readonly number[]): number | undefined => {
    const tail = given.shape.slice(-one.length);
    const lead = given.shape.length - one.length;
    if (tail.join() !== one.join() || lead < 1 || lead > 2) return undefined;
    return lead === 1 ? 1 : given.shape[1];
  };
  const latents = fits(frame);
  if (latents !== undefined) return { of: "latents", count: latents, values };
  const pictures = picture && fits([3, picture.height, picture.width]);
  if (pictures === undefined) throw refuse();
  return { of: "pictures", count: pictures, values };
}

function wanted({ frame, picture }: ClipShape): string {
  const latents = `latents, [1, n, ${frame.join(", ")}]`;
  if (picture === undefined) return latents;
  return `a picture or a clip of ${picture.width}x${picture.height}, or a tensor: pictures [1, n, 3, ${picture.height}, ${picture.width}] in -1..1, or ${latents}`;
}

function foundOf(given: unknown): string {
  if (isTensor(given)) return `a tensor, ${given.dtype} ${shapeText(given.shape)}`;
  const [first] = picturesOf(given) ?? [];
  if (first === undefined) return shown(given);
  return `${isPicture(given) ? "a picture" : "pictures"} of ${first.width}x${first.height}`;
}
