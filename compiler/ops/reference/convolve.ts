/** Values and kernels to what windows along the last axes make of them: patches laid out as rows and one matrix product, or each number spread to where it goes. */

import { sizeOf } from "../../graph/graph.ts";
import type { Floats, ResultType, Tensor } from "../op.ts";
import type { Window } from "../windows.ts";
import { productTransposed } from "./product.ts";
import { type Elements, emptyLike, floatsFor } from "./tensor.ts";

/** Sizes along three axes, to which missing ones are put in front. */
type Sizes3 = readonly [number, number, number];
type Windows3 = readonly [Window, Window, Window];

const still: Window = { kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

function threeSizes(sizes: readonly number[]): Sizes3 {
  const [a = 1, b = 1, c = 1] = [...new Array<number>(3 - sizes.length).fill(1), ...sizes];
  return [a, b, c];
}

function threeWindows(windows: readonly Window[]): Windows3 {
  const [a = still, b = still, c = still] = [...new Array<Window>(3 - windows.length).fill(still), ...windows];
  return [a, b, c];
}

function addBias(made: Floats, bias: Tensor<Floats> | undefined, points: number): Floats {
  if (bias === undefined) return made;
  const channels = bias.data.length;
  for (let i = 0; i < made.length; i++) made[i] = (made[i] as number) + (bias.data[Math.floor(i / points) % channels] as number);
  return made;
}

/** `x` [..., C, sizes], `weight` [O, C / groups, kernels], `bias` [O]; the output is [..., O, sizes]. */
export function convolve(
  x: Tensor<Floats>,
  weight: Tensor<Floats>,
  bias: Tensor<Floats> | undefined,
  output: ResultType,
  windows: readonly Window[],
  groups: number,
): Floats {
  const axes = windows.length;
  const [filters = 1, inner = 1, ...kernel] = weight.shape;
  const depth = inner * sizeOf(kernel);
  const sizes = threeSizes(x.shape.slice(-axes));
  const points = threeSizes(output.shape.slice(-axes));
  const count = sizeOf(points);
  const blocks = x.data.length / (inner * sizeOf(sizes));
  const made = floatsFor(output);
  const patches = emptyLike(x.data, count * depth);
  for (let block = 0; block < blocks; block++) {
    layPatches(patches, x.data, block * inner, inner, sizes, points, threeWindows(windows));
    const own = filters / groups;
    const start = (block % groups) * own * depth;
    productTransposed({ data: weight.data, start }, { data: patches, start: 0 }, made, block * own * count, own, depth, count);
  }
  return addBias(made, bias, count);
}

/** Fills `patches` [points, channels * taps] from the channels that begin with plane number `plane`. */
function layPatches(
  patches: Elements,
  data: Elements,
  plane: number,
  channels: number,
  [depth, height, width]: Sizes3,
  points: Sizes3,
  [along, down, across]: Windows3,
): void {
  let at = 0;
  const count = sizeOf(points);
  for (let point = 0; point < count; point++) {
    const z0 = Math.floor(point / (points[1] * points[2])) * along.stride - along.before;
    const y0 = (Math.floor(point / points[2]) % points[1]) * down.stride - down.before;
    const x0 = (point % points[2]) * across.stride - across.before;
    for (let channel = 0; channel < channels; channel++) {
      const start = (plane + channel) * depth * height * width;
      for (let kz = 0, z = z0; kz < along.kernel; kz++, z += along.dilation) {
        for (let ky = 0, y = y0; ky < down.kernel; ky++, y += down.dilation) {
          const outside = z < 0 || z >= depth || y < 0 || y >= height;
          const row = start + (z * height + y) * width;
          for (let kx = 0, x = x0; kx < across.kernel; kx++, x += across.dilation) {
            patches[at++] = outside || x < 0 || x >= width ? 0 : (data[row + x] as number);
          }
        }
      }
    }
  }
}

/** `x` [..., sizes] to the means of its windows, none of which reaches beyond it. */
export function averageWindows(x: Tensor<Floats>, output: ResultType, windows: readonly Window[]): Floats {
  const axes = windows.length;
  const sizes = threeSizes(x.shape.slice(-axes));
  const points = threeSizes(output.shape.slice(-axes));
  const [count, taps] = [sizeOf(points), sizeOf(windows.map(({ kernel }) => kernel))];
  const made = floatsFor(output);
  const patches = emptyLike(x.data, count * taps);
  for (let plane = 0; plane * count < made.length; plane++) {
    layPatches(patches, x.data, plane, 1, sizes, points, threeWindows(windows));
    for (let point = 0; point < count; point++) {
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += patches[point * taps + tap] as number;
      made[plane * count + point] = sum / taps;
    }
  }
  return made;
}

/** `x` [..., C, sizes], `weight` [C, O / groups, kernels], `bias` [O]: every number times a kernel, added up where the kernels overlap. */
export function convolveTransposed(
  x: Tensor<Floats>,
  weight: Tensor<Floats>,
  bias: Tensor<Floats> | undefined,
  output: ResultType,
  windows: readonly Window[],
  groups: number,
): Floats {
  const axes = windows.length;
  const [channels = 1, own = 1, ...kernel] = weight.shape;
  const taps = sizeOf(kernel);
  const sizes = threeSizes(x.shape.slice(-axes));
  const points = threeSizes(output.shape.slice(-axes));
  const [from, count] = [sizeOf(sizes), sizeOf(points)];
  const targets = targetsOf(sizes, points, threeWindows(windows));
  const sums = new Float64Array(sizeOf(output.shape));
  for (let plane = 0; plane * from < x.data.length; plane++) {
    const channel = plane % channels;
    const first = (Math.floor(plane / channels) * groups + Math.floor((channel * groups) / channels)) * own;
    for (let filter = 0; filter < own; filter++) {
      for (let i = 0; i < from * taps; i++) {
        const target = targets[i] as number;
        if (target < 0) continue;
        const factor = weight.data[(channel * own + filter) * taps + (i % taps)] as number;
        const at = (first + filter) * count + target;
        sums[at] = (sums[at] as number) + factor * (x.data[plane * from + Math.floor(i / taps)] as number);
      }
    }
  }
  const made = floatsFor(output);
  made.set(sums);
  return addBias(made, bias, count);
}

/** `x` [..., C, sizes] and a number for each point of the result [..., O, points] to [O, C / groups, kernels]: each point's number times its window, added up. */
export function correlate(
  x: Tensor<Floats>,
  result: Tensor<Floats>,
  { shape }: ResultType,
  windows: readonly Window[],
  groups: number,
): Float64Array {
  const axes = windows.length;
  const [filters = 1, inner = 1, ...kernel] = shape;
  const depth = inner * sizeOf(kernel);
  const sizes = threeSizes(x.shape.slice(-axes));
  const points = threeSizes(result.shape.slice(-axes));
  const [count, own] = [sizeOf(points), filters / groups];
  const sums = new Float64Array(sizeOf(shape));
  const patches = emptyLike(x.data, count * depth);
  for (let block = 0; block < x.data.length / (inner * sizeOf(sizes)); block++) {
    layPatches(patches, x.data, block * inner, inner, sizes, points, threeWindows(windows));
    for (let filter = 0; filter < own; filter++) {
      const at = ((block % groups) * own + filter) * depth;
      for (let point = 0; point < count; point++) {
        const factor = result.data[(block * own + filter) * count + point] as number;
        for (let i = 0; i < depth; i++) sums[at + i] = (sums[at + i] as number) + factor * (patches[point * depth + i] as number);
      }
    }
  }
  return sums;
}

/** [sizes, taps]: the point that each tap of a kernel at each place falls on; -1 where that was cut. */
function targetsOf(sizes: Sizes3, points: Sizes3, windows: Windows3): Int32Array {
  const along = (axis: 0 | 1 | 2) => {
    const { kernel, stride, dilation, before } = windows[axis];
    return Array.from({ length: sizes[axis] }, (_, i) => Array.from({ length: kernel }, (_, t) => i * stride + t * dilation - before));
  };
  const [zs, ys, xs] = [along(0), along(1), along(2)];
  const inside = (place: number, axis: 0 | 1 | 2) => place >= 0 && place < points[axis];
  const made: number[] = [];
  for (const zTaps of zs)
    for (const yTaps of ys)
      for (const xTaps of xs)
        for (const z of zTaps)
          for (const y of yTaps)
            for (const x of xTaps) made.push(inside(z, 0) && inside(y, 1) && inside(x, 2) ? (z * points[1] + y) * points[2] + x : -1);
  return Int32Array.from(made);
}
