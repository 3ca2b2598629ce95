/** `convWeightGradient`: what a convolution read and the gradient of what it gave to the gradient of its weight, at windows along any number of last axes. */

import { plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { AxisType, PrimitiveOp, ShapeProblem } from "./op.ts";
import { correlate } from "./reference/convolve.ts";
import { rounded } from "./reference/tensor.ts";
import { axisFromEnd, inputAt, refuseDtypes, refuseInts, refuseRank } from "./rules.ts";
import type { Window } from "./windows.ts";

type Attributes = OpAttributes["convWeightGradient"];

/** The window on each axis. What a window reads beyond the end of the axis is zero, however far that is. */
export function gradientWindows({ kernel, stride, dilation, before }: Attributes): readonly Window[] {
  return kernel.map((taps, i) => ({
    kernel: taps,
    stride: inputAt(stride, i),
    dilation: inputAt(dilation, i),
    before: inputAt(before, i),
    after: 0,
  }));
}

function infer(inputs: readonly AxisType[], { kernel, groups }: Attributes): AxisType | ShapeProblem {
  const [x, gradient] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  const axes = kernel.length;
  const refused =
    refuseInts("convWeightGradient", x, 0) ??
    refuseDtypes("convWeightGradient", x, gradient, 1) ??
    refuseRank("convWeightGradient", x, axes + 2, "images, channels and the axes of its windows");
  if (refused !== undefined) return refused;
  const images = (type: AxisType): string =>
    type.axes
      .slice(0, -axes - 1)
      .map(({ size }) => size)
      .join();
  if (x.axes.length !== gradient.axes.length || images(x) !== images(gradient)) {
    const message = `\`convWeightGradient\` reads as many images of both values, but they are ${showAxes(x.axes)} and ${showAxes(gradient.axes)}`;
    return { code: "shape-mismatch", message, at: { input: 1 } };
  }
  const [channels, filters] = [axisFromEnd(x, axes + 1), axisFromEnd(gradient, axes + 1)];
  if (channels.size % groups === 0 && filters.size % groups === 0)
    return { dtype: x.dtype, axes: [filters.size, channels.size / groups, ...kernel].map(plainAxis) };
  const message = `\`convWeightGradient\` splits ${channels.size} and ${filters.size} channels into ${groups} groups, which does not divide`;
  return { code: "not-divisible", message, at: { attribute: "groups" } };
}

/** Of a convolution `x` is its operand. Of a transposed one, which spreads what it reads, `x` is the gradient, and what it read takes the other place. */
export const convWeightGradient: PrimitiveOp<"convWeightGradient"> = {
  signature: {
    name: "convWeightGradient",
    inputs: [{ name: "x" }, { name: "gradient" }],
    attributes: [
      { name: "kernel", kind: "ints" },
      { name: "stride", kind: "ints" },
      { name: "dilation", kind: "ints" },
      { name: "before", kind: "ints" },
      { name: "groups", kind: "int" },
    ],
    ownsWeights: false,
    doc: "The window of [..., C, places] at each place of the gradient [..., O, places], times the gradient there, added up to [O, C / groups, kernel].",
  },
  internal: true,
  infer,
  mixes: (_, { kernel }) => Array.from({ length: kernel.length + 2 }, (_, axis) => ({ axis })),
  flops: (inputs, output) => 2 * sizeOf(inputAt(inputs, 1).shape) * sizeOf(output.shape.slice(1)),
  reference: (inputs, attributes, output) =>
    rounded(output, correlate(inputAt(inputs, 0), inputAt(inputs, 1), output, gradientWindows(attributes), attributes.groups)),
};
