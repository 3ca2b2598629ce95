/** The gradient of a convolution's weight to ONNX nodes: patches of channels-last pixels by one Gather, then one product over all images and places. */

import { type OpValueOf, sizeOf, type TensorType } from "../../graph/graph.ts";
import { inputAt } from "../../ops/rules.ts";
import { gradientWindows } from "../../ops/weight-gradient.ts";
import type { Window } from "../../ops/windows.ts";
import { blockedWeightGradient } from "./blocked.ts";
import type { OnnxWriter } from "./writer.ts";

/**
 * A Conv with batch and channels swapped says the same in one node and takes ONNX Runtime three to seven times as long;
 * a slice a tap and a Concat take a third longer than the Gather.
 */
export function weightGradient(
  writer: OnnxWriter,
  inputs: readonly string[],
  { type, attributes }: OpValueOf<"convWeightGradient">,
  types: readonly TensorType[],
): string {
  const windows = gradientWindows(attributes);
  const { groups } = attributes;
  const blocked = blockedWeightGradient(writer, inputs, windows, groups, types);
  if (blocked !== undefined) return blocked;
  const [x, gradient] = [0, 1].map((i) => {
    const { dtype, shape } = inputAt(types, i);
    return { name: writer.cast(inputAt(inputs, i), dtype, "f32"), ...split(shape, windows.length) };
  }) as [Operand, Operand];
  const [inner, own, taps] = [x.channels / groups, gradient.channels / groups, sizeOf(attributes.kernel)];
  const rows = x.images * sizeOf(gradient.sizes);
  const patches = patchesOf(writer, x, gradient.sizes, windows);
  const results = channelsLast(writer, gradient);
  let made: string;
  if (groups === 1) {
    const matrices = [
      writer.node("Reshape", [results, writer.ints([rows, own])]),
      writer.node("Reshape", [patches, writer.ints([rows, taps * inner])]),
    ];
    made = writer.node("Gemm", matrices, { transA: 1 });
  } else {
    const byGroup = (name: string, shape: readonly number[], perm: readonly number[]) =>
      writer.node("Transpose", [writer.node("Reshape", [name, writer.ints(shape)])], { perm });
    const windowed = byGroup(patches, [rows, taps, groups, inner], [2, 0, 1, 3]);
    const columns = writer.node("Reshape", [windowed, writer.ints([groups, rows, taps * inner])]);
    made = writer.node("MatMul", [byGroup(results, [rows, groups, own], [1, 2, 0]), columns]);
  }
  const tapsLast =
    taps === 1
      ? made
      : writer.node("Transpose", [writer.node("Reshape", [made, writer.ints([groups * own, taps, inner])])], { perm: [0, 2, 1] });
  return writer.cast(writer.node("Reshape", [tapsLast, writer.ints(type.shape)]), "f32", type.dtype);
}

interface Operand {
  readonly name: string;
  readonly images: number;
  readonly channels: number;
  readonly sizes: readonly number[];
}

function split(shape: readonly number[], axes: number): Omit<Operand, "name"> {
  return {
    images: sizeOf(shape.slice(0, -axes - 1)),
    channels: inputAt(shape, shape.length - axes - 1),
    sizes: shape.slice(-axes),
  };
}

/** [images, places, channels]. */
function channelsLast(writer: OnnxWriter, { name, images, channels, sizes }: Operand): string {
  return writer.node("Transpose", [writer.node("Reshape", [name, writer.ints([images, channels, sizeOf(sizes)])])], { perm: [0, 2, 1] });
}

/** [images, places, taps, channels], or without the taps where there is one that reads each place as it is. */
function patchesOf(writer: OnnxWriter, x: Operand, points: readonly number[], windows: readonly Window[]): string {
  const rows = channelsLast(writer, x);
  const places = sizeOf(x.sizes);
  const read = placesRead(x.sizes, points, windows);
  if (read.length === places && read.every((place, i) => place === i)) return rows;
  // What lies outside is the row of zeros behind the last.
  const padded = read.includes(places) ? writer.node("Pad", [rows, writer.ints([0, 0, 0, 0, 1, 0])]) : rows;
  const indices = writer.constant("i32", [sizeOf(points), read.length / sizeOf(points)], read);
  return writer.node("Gather", [padded, indices], { axis: 1 });
}

/** [points, taps]: the place that each tap of each window reads, and the number of places for what lies outside. */
function placesRead(sizes: readonly number[], points: readonly number[], windows: readonly Window[]): readonly number[] {
  const outside = sizeOf(sizes);
  const taps = sizeOf(windows.map(({ kernel }) => kernel));
  return Array.from({ length: sizeOf(points) * taps }, (_, i) => {
    let [point, tap, place, stride] = [Math.floor(i / taps), i % taps, 0, 1];
    for (let axis = windows.length - 1; axis >= 0; axis--) {
      const { kernel, dilation, before, stride: step } = inputAt(windows, axis);
      const [size, count] = [inputAt(sizes, axis), inputAt(points, axis)];
      const at = (point % count) * step + (tap % kernel) * dilation - before;
      if (at < 0 || at >= size) return outside;
      place += at * stride;
      stride *= size;
      point = Math.floor(point / count);
      tap = Math.floor(tap / kernel);
    }
    return place;
  });
}
