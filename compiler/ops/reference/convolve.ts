/** Images and kernels to convolved images: each image's patches laid out as rows, then one matrix product. */

import type { Tensor } from "../op.ts";
import { productTransposed } from "./product.ts";

/**
 * `x` [..., C, H, W], `weight` [O, C, k, k], `bias` [O]; the output's last three axes are [O, h, w]. `before` zeros stand
 * above and to the left; what the output reads beyond the right and the bottom is zero.
 */
export function convolve(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  shape: readonly number[],
  stride: number,
  before: number,
): Float32Array {
  const [channels = 1, height = 1, width = 1] = x.shape.slice(-3);
  const [filters = 1, rows = 1, columns = 1] = shape.slice(-3);
  const kernel = weight.shape[3] ?? 1;
  const inner = channels * kernel * kernel;
  const pixels = rows * columns;
  const images = x.data.length / (channels * height * width);
  const made = new Float32Array(images * filters * pixels);
  const patches = new Float32Array(pixels * inner);
  for (let image = 0; image < images; image++) {
    layPatches(patches, x.data, image * channels, { channels, height, width, rows, columns, kernel, stride, before });
    const at = image * filters * pixels;
    productTransposed({ data: weight.data, start: 0 }, { data: patches, start: 0 }, made, at, filters, inner, pixels);
  }
  if (bias !== undefined) {
    for (let i = 0; i < made.length; i++) made[i] = (made[i] as number) + (bias.data[Math.floor(i / pixels) % filters] as number);
  }
  return made;
}

interface Window {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
}

/** Fills `patches` [rows * columns, C * k * k] from the image whose first channel's plane is number `plane`. */
function layPatches(patches: Float32Array, data: Tensor["data"], plane: number, window: Window): void {
  const { channels, height, width, rows, columns, kernel, stride, before } = window;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let channel = 0; channel < channels; channel++) {
        const start = (plane + channel) * height * width;
        for (let ky = 0; ky < kernel; ky++) {
          const y = row * stride + ky - before;
          for (let kx = 0; kx < kernel; kx++) {
            const x = column * stride + kx - before;
            const inside = y >= 0 && y < height && x >= 0 && x < width;
            patches[at++] = inside ? (data[start + y * width + x] as number) : 0;
          }
        }
      }
    }
  }
}
