/** Images and kernels to convolved images, row by row with sums in f64. */

import type { Tensor } from "../op.ts";

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
  const images = x.data.length / (channels * height * width);
  const made = new Float32Array(images * filters * rows * columns);
  const plane = new Float64Array(rows * columns);
  for (let image = 0; image < images; image++) {
    for (let filter = 0; filter < filters; filter++) {
      plane.fill(bias === undefined ? 0 : (bias.data[filter] as number));
      for (let channel = 0; channel < channels; channel++) {
        const from = (image * channels + channel) * height * width;
        for (let ky = 0; ky < kernel; ky++) {
          for (let kx = 0; kx < kernel; kx++) {
            const factor = weight.data[((filter * channels + channel) * kernel + ky) * kernel + kx] as number;
            addShifted(plane, x.data, from, factor, { height, width, rows, columns, stride, dy: ky - before, dx: kx - before });
          }
        }
      }
      made.set(plane, (image * filters + filter) * rows * columns);
    }
  }
  return made;
}

interface Shift {
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
  readonly dy: number;
  readonly dx: number;
}

/** Adds `factor` times the picture at `from`, moved by (dy, dx) and read every `stride`-th place. */
function addShifted(plane: Float64Array, data: Tensor["data"], from: number, factor: number, shift: Shift): void {
  const { height, width, rows, columns, stride, dy, dx } = shift;
  const firstColumn = Math.max(0, Math.ceil(-dx / stride));
  const lastColumn = Math.min(columns - 1, Math.floor((width - 1 - dx) / stride));
  for (let row = 0; row < rows; row++) {
    const y = row * stride + dy;
    if (y < 0 || y >= height) continue;
    let at = from + y * width + firstColumn * stride + dx;
    const end = row * columns + lastColumn;
    for (let target = row * columns + firstColumn; target <= end; target++, at += stride) {
      plane[target] = (plane[target] as number) + factor * (data[at] as number);
    }
  }
}
