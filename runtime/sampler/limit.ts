/** Predictions of clean latents to predictions within bounds. */

import type { Limit } from "./step.ts";

/** `clips` of one size lie one after another in `data`. */
export function limitedBy(limit: Limit, data: Float32Array, clips: number): Float32Array {
  if (limit.kind === "clip") return data.map((value) => clamp(value, limit.range));
  const size = data.length / clips;
  const out = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += size) {
    const clip = data.subarray(at, at + size);
    const bound = Math.min(Math.max(quantile(clip, limit.ratio), 1), limit.most);
    out.set(
      clip.map((value) => clamp(value, bound) / bound),
      at,
    );
  }
  return out;
}

function clamp(value: number, range: number): number {
  return value < -range ? -range : value > range ? range : value;
}

/** The quantile of the absolute values, between two of them in proportion, as numpy's and PyTorch's. */
function quantile(values: Float32Array, ratio: number): number {
  const sorted = values.map(Math.abs).sort();
  const place = ratio * (sorted.length - 1);
  const below = Math.floor(place);
  const [low = 0, high = low] = [sorted[below], sorted[below + 1]];
  return low + (place - below) * (high - low);
}
