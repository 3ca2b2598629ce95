/** A picture of any size to one of a model's size: the middle of it, as large as the shape allows, resampled. */

import type { Picture } from "../conditions.ts";

/**
 * Cut to the wanted proportions about the middle, then resized by a triangle filter that is as wide as the picture shrinks, as Pillow's
 * `resize(…, BILINEAR)` and PyTorch's `interpolate(…, antialias=True)` do. The picture itself where the sizes agree.
 */
export function fitPicture(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const scale = Math.min(picture.width / width, picture.height / height);
  const columns = taps(picture.width, width, scale);
  const rows = taps(picture.height, height, scale);
  // Colours are weighed by their opacity: what cannot be seen has no colour.
  const source = premultiplied(picture);
  const across = new Float32Array(width * picture.height * 4);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      for (const { at, weight } of columns[x] ?? []) {
        for (let c = 0; c < 4; c++) {
          const to = (y * width + x) * 4 + c;
          across[to] = (across[to] ?? 0) + weight * (source[(y * picture.width + at) * 4 + c] ?? 0);
        }
      }
    }
  }
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sums = [0, 0, 0, 0];
      for (const { at, weight } of rows[y] ?? []) {
        for (let c = 0; c < 4; c++) sums[c] = (sums[c] ?? 0) + weight * (across[(at * width + x) * 4 + c] ?? 0);
      }
      const opacity = sums[3] ?? 0;
      for (let c = 0; c < 3; c++) data[(y * width + x) * 4 + c] = opacity === 0 ? 0 : ((sums[c] ?? 0) * 255) / opacity;
      data[(y * width + x) * 4 + 3] = opacity;
    }
  }
  return { width, height, data };
}

function premultiplied({ data }: Picture): Float32Array {
  return Float32Array.from(data, (value, i) => (i % 4 === 3 ? value : (value * (data[i - (i % 4) + 3] ?? 0)) / 255));
}

interface Tap {
  readonly at: number;
  readonly weight: number;
}

/** Which of `from` places each of `to` is made of, `scale` apart; what is cut off has no part. */
function taps(from: number, to: number, scale: number): readonly (readonly Tap[])[] {
  const start = (from - to * scale) / 2;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(Math.floor(start), Math.floor(centre - reach));
    const last = Math.min(Math.ceil(from - start) - 1, Math.ceil(centre + reach));
    const found = Array.from({ length: last - first + 1 }, (_, k) => {
      const at = first + k;
      return { at, weight: Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach) };
    }).filter(({ weight }) => weight > 0);
    const total = found.reduce((sum, { weight }) => sum + weight, 0);
    return found.map(({ at, weight }) => ({ at, weight: weight / total }));
  });
}
