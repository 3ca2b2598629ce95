// A model of clips whose few numbers are worked out by hand, through windows, known parts and starts that are no noise.

import { normals } from "../../../runtime/sampler/random.ts";
import { alphaBars } from "../../../runtime/sampler/schedule.ts";
import { VOCABULARY } from "../tiny-package.ts";

const figures = 'method: "ddim", steps: 4, guidance: 2, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000';

/**
 * Four frames of a latent of 2x2 places, each 2x2 pixels: red is the place's value, green half of it, blue its negative. A place's
 * prediction says which frame of the window it is in, by a tenth a frame.
 */
export const places = `
dim B = 1; dim L = 6; dim F = 4;
type Text = Tensor<float, [B, L, 1]>;
type Latent = Tensor<float, [B, F, 1, 2, 2]>;
type Clip = Tensor<float, [B, F, 3, 4, 4]>;
model Places {
  tokenizer { file: "tokenizer.json", pad: "<pad>" }
  graph encodeText(tokens: Tensor<i32, [B, L]>): Text { return tokens |> embedding(8, 1) as token; }
  graph encode(x: Clip): Latent { return x |> slice(axis: 2, start: 0, size: 1) |> averagePool2d(2); }
  graph decode(z: Latent): Clip { return concat([z, z * 0.5, z * -1.0], axis: 2) |> upsample(2); }
  graph denoise(z: Latent, t: Tensor<f32, [B]>, text: Text): Latent {
    const words = view(text, [B, L]) |> linear(1, bias: false) as words;
    return z * 0.5 + view(words, [B, 1, 1, 1, 1]) + view(t, [B, 1, 1, 1, 1]) * 0.001 + view(float(range(F)), [1, F, 1, 1, 1]) * 0.1;
  }
  sampler denoise(z, t) {
    ${figures},
    conditions: { text: { from: "text", encoder: encodeText, unguided: "" } },
    frames: decode, latents: encode,
  }
}`;

/** The same, each frame of which reads all. */
export const undirected = places.replace("return z * 0.5 +", "return mean(z, axis: 1) * 0.5 + z * 0.1 +");
/** The same, without a way from pictures to latents. */
export const blind = places.replace(", latents: encode", "");

export const weights: { readonly [path: string]: (i: number) => number } = {
  "token.weight": (i) => i / 20,
  "words.weight": () => 1 / 6,
};

/** Places of a frame. */
export const size = 4;
export const steps = 4;
const bars = alphaBars({ schedule: "cosine", betas: [], trainSteps: 1000, zeroSnr: false });
const timeAt = (i: number) => 1000 - (i * 1000) / steps - 1;
/** ā before step i; 1 behind the last. */
export const barAt = (i: number) => (i < steps ? (bars[timeAt(i)] ?? 0) : 1);

export const meaning = (words: string) =>
  ["<start>", ...words.split(" ").filter(Boolean), "<end>"].reduce((sum, word) => sum + VOCABULARY.indexOf(word) / 20, 0) / 6;

export interface Asked {
  readonly seed: number;
  readonly frames: number;
  /** What the text adds in each window, or in all the same. */
  readonly texts?: readonly number[];
  readonly guidance?: number | ((step: number) => number);
  /** Windows by their first frames, and how many frames the weights of a window rise over. */
  readonly starts?: readonly number[];
  readonly ramp?: number;
  /** Steps left out, and the clean latent that the rest begin with. */
  readonly skipped?: number;
  readonly from?: readonly number[];
  readonly known?: readonly number[];
  readonly keep?: readonly number[];
  /** In place of the seed's. */
  readonly noise?: readonly number[];
}

/** DDIM by the formulas of Song et al. (2021) for v-prediction. */
export function byHand(asked: Asked): number[] {
  const { seed, frames, texts = [meaning("a")], guidance = 2, starts = [0], ramp = 0, skipped = 0, from, known, keep } = asked;
  const count = starts.length === 1 ? frames : 4;
  const noise = asked.noise ?? [...normals(seed, 0, frames * size)];
  const kept = (z: readonly number[], a: number) =>
    z.map((x, k) => {
      const share = keep?.[k] ?? 0;
      return share * (Math.sqrt(a) * (known?.[k] ?? 0) + Math.sqrt(1 - a) * (noise[k] ?? 0)) + (1 - share) * x;
    });
  const first = skipped === steps ? 1 : barAt(skipped);
  let z = noise.map((e, k) => (from === undefined ? e : Math.sqrt(first) * (from[k] ?? 0) + Math.sqrt(1 - first) * e));
  z = kept(z, first);
  for (let i = skipped; i < steps; i++) {
    const [t, a, p] = [timeAt(i), barAt(i), barAt(i + 1)];
    const weight = typeof guidance === "number" ? guidance : guidance(i);
    const said = z.map(() => ({ sum: 0, weight: 0 }));
    for (const [w, start] of starts.entries()) {
      for (let j = 0; j < count; j++) {
        const rising = Math.min(1, (j + 1) / (ramp + 1), (count - j) / (ramp + 1));
        for (let k = 0; k < size; k++) {
          const at = ((start + j) % frames) * size + k;
          const alike = (z[at] ?? 0) / 2 + t / 1000 + 0.1 * j;
          const [c, u] = [alike + (texts[w] ?? texts[0] ?? 0), alike + meaning("")];
          const one = said[at] as (typeof said)[number];
          one.sum += rising * (u + weight * (c - u));
          one.weight += rising;
        }
      }
    }
    z = z.map((x, k) => {
      const v = (said[k]?.sum ?? 0) / (said[k]?.weight ?? 1);
      return Math.sqrt(p) * (Math.sqrt(a) * x - Math.sqrt(1 - a) * v) + Math.sqrt(1 - p) * (Math.sqrt(1 - a) * x + Math.sqrt(a) * v);
    });
    z = kept(z, p);
  }
  return z;
}

/** A picture of 4x4 whose places have these values by their red, which must be what a byte can say. */
export function pictureOf(values: readonly number[]) {
  const data = new Uint8ClampedArray(4 * 4 * 4).fill(255);
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 4; x++) data[(y * 4 + x) * 4] = ((values[Math.floor(y / 2) * 2 + Math.floor(x / 2)] ?? 0) + 1) * 127.5;
  }
  return { width: 4, height: 4, data };
}

/** Values in -1..1 as bytes say them. */
export const exact = (...bytes: readonly number[]) => bytes.map((byte) => byte / 127.5 - 1);
