/** Turns a seed into captioned clips of one flat shape that moves through 16 frames of 64x64 pixels. */
import { uniforms } from "../../runtime/sampler/random.ts";
import { type Distance, shapeDistances } from "./shape-distances.ts";

export const SHAPES = ["circle", "square", "triangle", "star", "ring", "heart"] as const;
export const COLOURS = ["red", "green", "blue", "yellow", "cyan", "magenta"] as const;
/** Each motion has words of its own, because a small text encoder ignores the order of words. */
export const MOTIONS = [
  "moves right",
  "moves left",
  "moves up",
  "moves down",
  "climbs right",
  "climbs left",
  "falls right",
  "falls left",
] as const;

export const FRAMES = 16;
export const SIZE = 64;
export const BACKGROUND = [12, 12, 16] as const;
const RGB: readonly (readonly [number, number, number])[] = [
  [230, 40, 40],
  [40, 200, 70],
  [60, 90, 245],
  [240, 220, 50],
  [50, 215, 225],
  [225, 60, 215],
];
const DIAGONAL = Math.SQRT1_2;
/** Of each motion, a frame; y goes down. */
export const DIRECTIONS: readonly (readonly [number, number])[] = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [DIAGONAL, -DIAGONAL],
  [-DIAGONAL, -DIAGONAL],
  [DIAGONAL, DIAGONAL],
  [-DIAGONAL, DIAGONAL],
];
/** Pixels: how far a path's middle may lie from the frame's middle on each axis. */
const JITTER = 3;

export type Combinations = "seen" | "held-out" | "all";

export interface ShapeClip {
  /** u8 [16, 64, 64, 3], red, green, blue. */
  readonly pixels: Uint8Array;
  readonly caption: string;
  /** Indices into SHAPES, COLOURS and MOTIONS. */
  readonly shape: number;
  readonly colour: number;
  readonly motion: number;
}

/**
 * Whether a combination is kept from training: the Latin square shape + colour + motion = 0 (mod 6), less its third where
 * shape = motion (mod 3). That is 32 of 288, four of each motion and five or six of each shape and of each colour.
 */
export function isHeldOut(shape: number, colour: number, motion: number): boolean {
  return (shape + colour + motion) % 6 === 0 && (shape - motion + 9) % 3 !== 0;
}

function combinationsOf(which: Combinations): readonly (readonly [number, number, number])[] {
  const all = SHAPES.flatMap((_, s) => COLOURS.flatMap((__, c) => MOTIONS.map((___, m) => [s, c, m] as const)));
  return which === "all" ? all : all.filter(([s, c, m]) => isHeldOut(s, c, m) === (which === "held-out"));
}

/** Yields `count` clips; clip i depends on the seed and i alone. Radius 9..11 px, 1.7..2.4 px a frame, always inside the frame. */
export function* movingShapes(count: number, seed: number, options: { combinations?: Combinations } = {}): Generator<ShapeClip> {
  const draw = movingShape(seed, options.combinations ?? "all");
  for (let i = 0; i < count; i++) yield draw(i);
}

/** The same clips, each by its number. */
export function movingShape(seed: number, which: Combinations): (index: number) => ShapeClip {
  const combinations = combinationsOf(which);
  return (index) => {
    const [pick = 0, size = 0, speed = 0, jitterX = 0, jitterY = 0] = uniforms(seed, index, 5);
    const [shape, colour, motion] = at(combinations, Math.floor(pick * combinations.length));
    const radius = 9 + 2 * size;
    const [dx, dy] = at(DIRECTIONS, motion).map((part) => part * (1.7 + 0.7 * speed)) as [number, number];
    const middle = (step: number, jitter: number) => {
      const room = SIZE / 2 - radius - 0.5 - (Math.abs(step) * (FRAMES - 1)) / 2;
      return SIZE / 2 + (2 * jitter - 1) * Math.min(JITTER, room);
    };
    const [x, y] = [middle(dx, jitterX), middle(dy, jitterY)];
    const pixels = new Uint8Array(FRAMES * SIZE * SIZE * 3);
    for (let j = 0; j < pixels.length; j++) pixels[j] = at(BACKGROUND, j % 3);
    for (let f = 0; f < FRAMES; f++) {
      const offset = f - (FRAMES - 1) / 2;
      const frame = pixels.subarray(f * SIZE * SIZE * 3, (f + 1) * SIZE * SIZE * 3);
      paint(frame, at(shapeDistances, shape), at(RGB, colour), x + offset * dx, y + offset * dy, radius);
    }
    const caption = `a ${at(COLOURS, colour)} ${at(SHAPES, shape)} ${at(MOTIONS, motion)}`;
    return { pixels, caption, shape, colour, motion };
  };
}

/** Blends a shape over one frame: a pixel's cover falls from 1 to 0 over the pixel that the outline runs through. */
function paint(frame: Uint8Array, distance: Distance, rgb: readonly number[], x: number, y: number, radius: number): void {
  const first = (centre: number) => Math.max(0, Math.floor(centre - radius - 1));
  const last = (centre: number) => Math.min(SIZE - 1, Math.ceil(centre + radius + 1));
  for (let row = first(y); row <= last(y); row++) {
    for (let column = first(x); column <= last(x); column++) {
      const cover = Math.min(1, Math.max(0, 0.5 - radius * distance((column + 0.5 - x) / radius, (row + 0.5 - y) / radius)));
      if (cover === 0) continue;
      const start = (row * SIZE + column) * 3;
      for (let c = 0; c < 3; c++) frame[start + c] = Math.round(at(BACKGROUND, c) + cover * (at(rgb, c) - at(BACKGROUND, c)));
    }
  }
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new Error(`moving-shapes: index ${i} outside a list of ${list.length}`);
  return item;
}
