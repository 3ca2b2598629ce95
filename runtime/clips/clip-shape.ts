/** The roles of a model to how its latents and its pictures lie: frames, channels and sizes, and how many pictures stand for a frame of the latent. */

import type { Roles } from "../roles.ts";
import { elements } from "../tensor.ts";

/** A picture's size, in pixels or in places of a latent. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Pictures for a latent's frames: `per` for each, but the first is one alone where `firstAlone`, as in autoencoders that are causal in time. */
export interface Pace {
  readonly per: number;
  readonly firstAlone: boolean;
}

export interface ClipShape {
  /** Frames of the model's own latent, F. */
  readonly frames: number;
  /** One frame of the latent: [Z, H, W], or what stands there in a latent that is no picture. */
  readonly frame: readonly number[];
  readonly latent: Size | undefined;
  /** The pictures that clips are given and shown as; undefined where the model has none. */
  readonly picture: Size | undefined;
  readonly pace: Pace;
}

type Shown = Pick<Roles, "clipShape" | "pictures" | "frames" | "latents">;

export function clipShapeOf({ clipShape, pictures, frames: decoder, latents: encoder }: Shown): ClipShape {
  const isClip = clipShape.length === 4;
  const frames = isClip ? (clipShape[0] ?? 1) : 1;
  const frame = isClip ? clipShape.slice(1) : clipShape;
  const shown = pictures === "latent" ? [1, ...clipShape] : (encoder?.input.shape ?? decoder?.output.shape);
  const latent = frame.length === 3 ? sizeOf(frame) : undefined;
  if (shown === undefined) return { frames, frame, latent, picture: undefined, pace: { per: 1, firstAlone: false } };
  const shownFrames = shown.length === 5 ? (shown[1] ?? 1) : 1;
  return { frames, frame, latent, picture: sizeOf(shown), pace: paceOf(frames, shownFrames) };
}

/** Pictures that a latent of so many frames stands for. */
export function picturesFor({ per, firstAlone }: Pace, frames: number): number {
  return firstAlone ? per * (frames - 1) + 1 : per * frames;
}

/** The first of the pictures that a frame of the latent stands for. */
export function firstPictureOf({ per, firstAlone }: Pace, frame: number): number {
  return firstAlone && frame > 0 ? per * (frame - 1) + 1 : per * frame;
}

/** Elements of one frame of the latent. */
export function frameElements({ frame }: Pick<ClipShape, "frame">): number {
  return elements(frame);
}

function sizeOf(shape: readonly number[]): Size {
  return { height: shape.at(-2) ?? 1, width: shape.at(-1) ?? 1 };
}

function paceOf(frames: number, pictures: number): Pace {
  if (pictures % frames === 0) return { per: pictures / frames, firstAlone: false };
  return { per: Math.round((pictures - 1) / (frames - 1)), firstAlone: true };
}
