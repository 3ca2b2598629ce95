// Models with conditions of every kind, whose few numbers a clip is worked out by hand from, DDIM included.

import type { ClipRequest } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { alphaBars } from "../../runtime/sampler/schedule.ts";
import { f32 } from "../../runtime/tensor.ts";
import { VOCABULARY } from "./tiny-package.ts";

export const figures = 'method: "ddim", steps: 3, guidance: 2, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000';

/** Two frames of 1x2 pixels, and one of each kind of condition, the text neither first nor last; all affine in what is fed. */
export const many = `
dim B = 1; dim L = 6; dim F = 2;
type Text = Tensor<float, [B, L, 1]>;
model Many {
  tokenizer { file: "tokenizer.json", pad: "<pad>" }
  graph encodeText(tokens: Tensor<i32, [B, L]>): Text { return tokens |> embedding(8, 1) as token; }
  graph see(x: Tensor<float, [B, 3, 1, 2]>): Tensor<float, [B, 1]> { return view(x, [B, 6]) |> linear(1, bias: false) as see; }
  graph denoise(fps: Tensor<f32, [B]>, z: Tensor<float, [B, F, 3, 1, 2]>, style: Text, text: Text, t: Tensor<f32, [B]>,
    label: Tensor<i32, [B]>, first: Tensor<float, [B, 1]>, mask: Tensor<float, [B, F]>): Tensor<float, [B, F, 3, 1, 2]> {
    const words = view(text, [B, L]) |> linear(1, bias: false) as words;
    const looks = view(style, [B, L]) |> linear(1, bias: false) as looks;
    const shift = words + looks + view(fps, [B, 1]) * 0.01 + (label |> embedding(4, 1) as label) + first + view(t, [B, 1]) * 0.001;
    return z * 0.5 + view(shift, [B, 1, 1, 1, 1]) + view(mask, [B, F, 1, 1, 1]) * 0.3;
  }
  sampler denoise(z, t) {
    ${figures},
    conditions: {
      text: { from: "text", encoder: encodeText, unguided: "a" },
      style: { from: "text", encoder: encodeText, unguided: "same" },
      fps: { from: "number", unguided: 3.0 },
      first: { from: "image", encoder: see, unguided: 0.25 },
      label: { from: "class", unguided: 2 },
      mask: { from: "tensor" },
    },
  }
}`;
/** f32 and halves meet in no sum: the time is a half, and the number, by a sinusoid, has weight 0. */
export const halves = many
  .replace("t: Tensor<f32, [B]>", "t: Tensor<float, [B]>")
  .replace("view(fps, [B, 1]) * 0.01", "(fps |> sinusoid(2) |> linear(1, bias: false) as rate)");
export const none = `
dim B = 1; dim F = 2;
model None {
  graph step(z: Tensor<float, [B, 2]>): Tensor<float, [B, 2]> { return z * 2.0; }
  graph denoise(z: Tensor<float, [B, F, 3, 1, 2]>, t: Tensor<f32, [B]>): Tensor<float, [B, F, 3, 1, 2]> {
    return z * 0.5 + view(t, [B, 1, 1, 1, 1]) * 0.001;
  }
  sampler denoise(z, t) { ${figures} }
}`;

/** One condition that only the steps read, and one that they read beside what is prepared of it. */
export const direct = `
dim B = 1; dim F = 2;
type Clip = Tensor<float, [B, F, 3, 1, 2]>;
model Direct {
  graph denoise(z: Clip, t: Tensor<f32, [B]>, bias: Clip, gain: Clip): Clip { return z * gain + bias + gain * 2.0; }
  sampler denoise(z, t) { ${figures}, conditions: { bias: { from: "tensor", unguided: 0.5 } } }
}`;

export const weights: { readonly [path: string]: (i: number) => number } = {
  "token.weight": (i) => i / 20,
  "see.weight": (i) => i / 50,
  "words.weight": () => 1 / 6,
  "looks.weight": () => 1 / 3,
  "label.weight": (i) => i / 8,
  "rate.weight": () => 0,
};

/** What the looped graph adds for one clip's conditions, written out: all but time and mask. */
export interface Fed {
  readonly text: readonly string[];
  readonly style: readonly string[];
  readonly fps: number;
  readonly first: number;
  readonly label: number;
}

export function shiftOf({ text, style, fps, first, label }: Fed): number {
  const sum = (words: readonly string[]) => ["<start>", ...words, "<end>"].reduce((all, word) => all + VOCABULARY.indexOf(word) / 20, 0);
  return sum(text) / 6 + sum(style) / 3 + fps * 0.01 + label / 8 + first;
}

export type Network = (half: "guided" | "unguided", x: number, t: number, k: number) => number;

/** DDIM by the formulas of Song et al. (2021) for v-prediction. */
export function ddimByHand(seed: number, network: Network, guidance: number | "no unguided half"): number[] {
  const bars = alphaBars({ schedule: "cosine", betas: [], trainSteps: 1000, zeroSnr: false });
  const steps = 3;
  const timeAt = (i: number) => Math.floor(1000 - (i * 1000) / steps + 0.5) - 1;
  let z = [...normals(seed, 0, 12)];
  for (let i = 0; i < steps; i++) {
    const t = timeAt(i);
    const a = bars[t] ?? 0;
    const p = i + 1 < steps ? (bars[timeAt(i + 1)] ?? 0) : 1;
    z = z.map((x, k) => {
      const [c, u] = [network("guided", x, t, k), network("unguided", x, t, k)];
      const v = guidance === "no unguided half" ? c : u + guidance * (c - u);
      return Math.sqrt(p) * (Math.sqrt(a) * x - Math.sqrt(1 - a) * v) + Math.sqrt(1 - p) * (Math.sqrt(1 - a) * x + Math.sqrt(a) * v);
    });
  }
  return z;
}

export function byHand(
  seed: number,
  guided: number,
  unguided: number,
  mask: readonly number[],
  guidance: number | "no unguided half" = 2,
): number[] {
  const shifts = { guided, unguided };
  return ddimByHand(seed, (half, x, t, k) => x / 2 + t / 1000 + shifts[half] + 0.3 * (mask[Math.floor(k / 6)] ?? 0), guidance);
}

export const picture = (...bytes: number[]) => {
  const data = new Uint8ClampedArray(8).fill(255);
  bytes.forEach((byte, i) => {
    data[Math.floor(i / 3) * 4 + (i % 3)] = byte;
  });
  return { width: 2, height: 1, data };
};
export const mask = f32([1, 2], Float32Array.of(1, -2));

export const one: ClipRequest = {
  prompt: "a red circle",
  seed: 7,
  inputs: { style: "moves", fps: 8, first: picture(255, 0, 51, 102, 204, 255), label: 1, mask },
};
/** Planes of red, green and blue: 1, -0.2; -1, 0.6; -0.6, 1, weighed by 0 to 5 fiftieths. */
export const seen = (0 * 1 + 1 * -0.2 + 2 * -1 + 3 * 0.6 + 4 * -0.6 + 5 * 1) / 50;
export const oneByHand = () => {
  const guided = { text: ["a", "red", "circle"], style: ["moves"], fps: 8, first: seen, label: 1 };
  return byHand(7, shiftOf(guided), shiftOf({ ...guided, text: ["a"], fps: 3, first: 0.25, label: 2 }), [1, -2]);
};
export const other: ClipRequest = {
  ...one,
  prompt: "moves red",
  seed: 8,
  inputs: { ...one.inputs, style: "red", fps: 24.5, label: 3, first: f32([1, 3, 1, 2], new Float32Array(6).fill(-1)) },
};
export const otherByHand = () => {
  const guided = { text: ["moves", "red"], style: ["red"], fps: 24.5, first: -15 / 50, label: 3 };
  return byHand(8, shiftOf(guided), shiftOf({ ...guided, text: ["a"], fps: 3, first: 0.25, label: 2 }), [1, -2]);
};
