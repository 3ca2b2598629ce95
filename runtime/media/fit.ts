/** A picture of any size to one of a model's size: the middle of it, as large as the shape allows, resampled. */

import type { Picture } from "../conditions.ts";

/**
 * Cut to the wanted proportions about the middle, then resized by a triangle filter that is as wide as the picture shrinks, as Pillow's
 * `resize(…, BILINEAR)` and PyTorch's `interpolate(…, antialias=True)` do. The picture itself where the sizes agree.
 * @param aspect a pixel's width over its height, where films have pixels that are not square.
 */
export function fitPicture(picture: Picture, width: number, height: number, aspect = 1): Picture {
  if (picture.width === width && picture.height === height && aspect === 1) return picture;
  const scale = Math.min((picture.width * aspect) / width, picture.height / height);
  const columns = taps(picture.width, width, scale / aspect);
  const rows = taps(picture.height, height, scale);
  const across = resampledRows(picture, columns, rows.from, rows.to);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    const first = y * rows.most;
    const count = rows.count[y] ?? 0;
    const top = (rows.first[y] ?? 0) - rows.from;
    for (let x = 0; x < width; x++) {
      let [r, g, b, opacity] = [0, 0, 0, 0];
      for (let k = 0; k < count; k++) {
        const weight = rows.weights[first + k] ?? 0;
        const at = ((top + k) * width + x) * 4;
        r += weight * (across[at] ?? 0);
        g += weight * (across[at + 1] ?? 0);
        b += weight * (across[at + 2] ?? 0);
        opacity += weight * (across[at + 3] ?? 0);
      }
      const to = (y * width + x) * 4;
      const share = opacity === 0 ? 0 : 255 / opacity;
      data[to] = r * share;
      data[to + 1] = g * share;
      data[to + 2] = b * share;
      data[to + 3] = opacity;
    }
  }
  return { width, height, data };
}

/** f32 [to - from, width, 4] of the rows that are read. Colours are weighed by their opacity: what cannot be seen has no colour. */
function resampledRows({ width, data }: Picture, columns: Taps, from: number, to: number): Float32Array {
  const { size, most, first, count, weights } = columns;
  const across = new Float32Array((to - from) * size * 4);
  for (let y = from; y < to; y++) {
    for (let x = 0; x < size; x++) {
      let [r, g, b, opacity] = [0, 0, 0, 0];
      const start = (y * width + (first[x] ?? 0)) * 4;
      const taken = count[x] ?? 0;
      for (let k = 0; k < taken; k++) {
        const at = start + k * 4;
        const seen = data[at + 3] ?? 0;
        const weight = weights[x * most + k] ?? 0;
        const share = seen === 255 ? weight : (weight * seen) / 255;
        r += share * (data[at] ?? 0);
        g += share * (data[at + 1] ?? 0);
        b += share * (data[at + 2] ?? 0);
        opacity += weight * seen;
      }
      const put = ((y - from) * size + x) * 4;
      across[put] = r;
      across[put + 1] = g;
      across[put + 2] = b;
      across[put + 3] = opacity;
    }
  }
  return across;
}

/** Which places each of `size` is made of: `count` of them from `first` on, with weights that lie `most` apart. */
interface Taps {
  readonly size: number;
  readonly most: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float64Array;
  /** All that are read lie from here to before `to`. */
  readonly from: number;
  readonly to: number;
}

/** Which of `places` each of `size` is made of, `scale` apart; what is cut off has no part. */
function taps(places: number, size: number, scale: number): Taps {
  const start = (places - size * scale) / 2;
  const reach = Math.max(scale, 1);
  const most = Math.ceil(2 * reach) + 2;
  const [from, to] = [Math.max(0, Math.floor(start)), Math.min(places, Math.ceil(places - start))];
  const [first, count, weights] = [new Int32Array(size), new Int32Array(size), new Float64Array(size * most)];
  for (let i = 0; i < size; i++) {
    const centre = start + (i + 0.5) * scale;
    const weigh = (at: number) => Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach);
    let low = Math.max(from, Math.floor(centre - reach));
    let high = Math.min(to - 1, Math.ceil(centre + reach));
    while (low < high && weigh(low) === 0) low++;
    while (high > low && weigh(high) === 0) high--;
    let total = 0;
    for (let at = low; at <= high; at++) total += weigh(at);
    for (let at = low; at <= high; at++) weights[i * most + at - low] = weigh(at) / total;
    first[i] = low;
    count[i] = high - low + 1;
  }
  return { size, most, first, count, weights, from, to };
}
