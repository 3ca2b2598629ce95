/** A clip and what an autoencoder made of it to how like they are: PSNR and SSIM. */

import type { Pixels } from "./pixels.ts";

/** Decibels of the peak, 255, above the squared error of the whole clip; Infinity of the same clip. */
export function psnr(wanted: Pixels, found: Pixels): number {
  let sum = 0;
  for (let i = 0; i < wanted.pixels.length; i++) sum += ((wanted.pixels[i] as number) - (found.pixels[i] as number)) ** 2;
  return 10 * Math.log10((255 ** 2 * wanted.pixels.length) / sum);
}

/** Wang et al., 2004: windows of 11x11 weighted by a Gaussian of deviation 1.5, K1 = 0.01, K2 = 0.03. */
const [taps, deviation] = [11, 1.5];
const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
const window = gaussian();

/** Pixels of a side that a frame needs for one window. */
export const leastForSsim = taps;

/**
 * Structural similarity (Wang et al., 2004), the mean over all windows that lie in the frame, over channels and frames: 1 of the same clip. As scikit-image's
 * `structural_similarity` with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1`.
 */
export function ssim(wanted: Pixels, found: Pixels): number {
  const { frames, height, width } = wanted;
  const plane = height * width;
  const [x, y] = [new Float64Array(plane), new Float64Array(plane)];
  let sum = 0;
  for (let frame = 0; frame < frames; frame++)
    for (let channel = 0; channel < 3; channel++) {
      for (let i = 0; i < plane; i++) {
        const at = (frame * plane + i) * 3 + channel;
        x[i] = wanted.pixels[at] as number;
        y[i] = found.pixels[at] as number;
      }
      sum += ssimOfPlane(x, y, height, width);
    }
  return sum / (frames * 3);
}

function ssimOfPlane(x: Float64Array, y: Float64Array, height: number, width: number): number {
  const weighted = (values: Float64Array) => inWindows(values, height, width);
  const [mx, my] = [weighted(x), weighted(y)];
  const product = (a: Float64Array, b: Float64Array) => weighted(a.map((value, i) => value * (b[i] as number)));
  const [xx, yy, xy] = [product(x, x), product(y, y), product(x, y)];
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [a, b] = [mx[i] as number, my[i] as number];
    const [vx, vy, covariance] = [(xx[i] as number) - a * a, (yy[i] as number) - b * b, (xy[i] as number) - a * b];
    sum += ((2 * a * b + c1) * (2 * covariance + c2)) / ((a * a + b * b + c1) * (vx + vy + c2));
  }
  return sum / mx.length;
}

/** The weighted mean of every window that lies in the plane. */
function inWindows(values: Float64Array, height: number, width: number): Float64Array {
  const columns = width - taps + 1;
  const rows = height - taps + 1;
  const across = new Float64Array(height * columns);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += (window[tap] as number) * (values[row * width + column + tap] as number);
      across[row * columns + column] = sum;
    }
  const means = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += (window[tap] as number) * (across[(row + tap) * columns + column] as number);
      means[row * columns + column] = sum;
    }
  return means;
}

function gaussian(): readonly number[] {
  const weights = Array.from({ length: taps }, (_, tap) => Math.exp(-((tap - (taps - 1) / 2) ** 2) / (2 * deviation ** 2)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / all);
}
