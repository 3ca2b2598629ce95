/** `conv1d`, `conv2d`, `conv3d` and their transposes: channels summed over windows along the last axes, whatever stands before the channels each on its own. */

import { axisName, plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { AxisType, OwnedWeight, PrimitiveOp, ShapeProblem } from "./op.ts";
import { convolve, convolveTransposed } from "./reference/convolve.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, inputAt, refuseBelow, refuseInts, refuseRank } from "./rules.ts";
import { type ConvolutionName, isTransposed, type TransposedName, windowAxes, windowedAxes, windowMixes, windowsOf } from "./windows.ts";

type Attributes = OpAttributes["conv2d"];
type Name = ConvolutionName | TransposedName;

/** By the number of axes that windows go along. */
const layouts = { 1: "C, T", 2: "C, H, W", 3: "C, F, H, W" } as const;
const ordinals = { 1: "second", 2: "third", 3: "fourth" } as const;

function infer(op: Name, inputs: readonly AxisType[], attributes: Attributes): AxisType | ShapeProblem {
  const x = inputAt(inputs, 0);
  const axes = windowAxes[op];
  const refused =
    refuseInts(op, x, 0) ??
    refuseRank(op, x, axes + 1, `the channels from the ${ordinals[axes]} axis from the end`) ??
    refuseRank(op, x, axes + 2, `[..., ${layouts[axes]}] behind at least one axis of the batch`) ??
    refuseBelow(op, "out", attributes.out, 1) ??
    refuseGroups(op, x, attributes);
  if (refused !== undefined) return refused;
  const last = windowedAxes(op, x, attributes);
  if ("code" in last) return last;
  return { dtype: x.dtype, axes: [...x.axes.slice(0, -axes - 1), plainAxis(attributes.out), ...last] };
}

function refuseGroups(op: Name, x: AxisType, { out, groups }: Attributes): ShapeProblem | undefined {
  const below = refuseBelow(op, "groups", groups, 1);
  if (below !== undefined) return below;
  const channels = axisFromEnd(x, windowAxes[op] + 1);
  const [count, what] =
    channels.size % groups !== 0
      ? [channels.size, `channels (axis ${axisName(channels)} of ${showAxes(x.axes)})`]
      : [out, "channels of the result"];
  if (count % groups === 0) return undefined;
  return {
    code: "not-divisible",
    message: `\`${op}\` splits ${count} ${what} into ${groups} groups, which does not divide`,
    at: { attribute: "groups" },
  };
}

/** As PyTorch lays them out and starts them; of a transposed one too it is the second axis that counts, whichever channels those are. */
function weights(op: Name, inputs: readonly AxisType[], attributes: Attributes): readonly OwnedWeight[] {
  const { out, groups, bias, init: start } = attributes;
  const channels = axisFromEnd(inputAt(inputs, 0), windowAxes[op] + 1).size;
  const [first, second] = isTransposed(op) ? [channels, out] : [out, channels];
  const shape = [first, second / groups, ...windowsOf(op, attributes).map(({ kernel }) => kernel)];
  const init =
    start === "zeros" ? ({ kind: "zeros" } as const) : ({ kind: "uniform", bound: 1 / Math.sqrt(sizeOf(shape.slice(1))) } as const);
  const weight = { name: "weight", shape, init };
  return bias ? [weight, { name: "bias", shape: [out], init }] : [weight];
}

const shared = [
  { name: "dilation", kind: { perAxis: [] }, default: 1 },
  { name: "groups", kind: "int", default: 1 },
  { name: "bias", kind: "bool", default: true },
  { name: "init", kind: { oneOf: ["default", "zeros"] }, default: "default" },
] as const;

function convolution<O extends ConvolutionName>(name: O, doc: string): PrimitiveOp<O> {
  return {
    signature: {
      name,
      inputs: [{ name: "x" }],
      attributes: [
        { name: "out", kind: "int" },
        { name: "kernel", kind: { perAxis: [] } },
        { name: "stride", kind: { perAxis: [] }, default: 1 },
        { name: "padding", kind: { perAxis: ["same", "causal", "end", "none"] }, default: "same" },
        ...shared,
      ],
      ownsWeights: true,
      doc: `${doc}; kernel, stride, padding and dilation are one for all axes or a list of one an axis. Zeros stand half before and half after ("same"), all before ("causal"), after as far as the stride needs them ("end"), nowhere ("none"), or as many as an int says at each end; what a stride leaves over is dropped.`,
    },
    weights: (inputs, attributes) => weights(name, inputs, attributes),
    infer: (inputs, attributes) => infer(name, inputs, attributes),
    mixes: (shapes, attributes) => windowMixes(name, shapes, attributes, true),
    flops: (inputs, output) => 2 * sizeOf(output.shape) * sizeOf(inputAt(inputs, 1).shape.slice(1)),
    reference: (inputs, attributes, output) =>
      tensor(
        output,
        convolve(inputAt(inputs, 0), inputAt(inputs, 1), inputs[2], output.shape, windowsOf(name, attributes), attributes.groups),
      ),
  };
}

function transposed<O extends TransposedName>(name: O, doc: string): PrimitiveOp<O> {
  return {
    signature: {
      name,
      inputs: [{ name: "x" }],
      attributes: [
        { name: "out", kind: "int" },
        { name: "kernel", kind: { perAxis: [] } },
        { name: "stride", kind: { perAxis: [] }, default: 1 },
        { name: "padding", kind: { perAxis: ["same", "causal", "none"] }, default: "same" },
        ...shared,
      ],
      ownsWeights: true,
      doc: `${doc}; kernel, stride, padding and dilation are one for all axes or a list of one an axis. What goes beyond the enlarged axis is cut at both ends ("same"), all at the end, so that nothing reads a later place ("causal"), not at all ("none"), or by as many places as an int says at each end, like PyTorch's \`padding\`.`,
    },
    weights: (inputs, attributes) => weights(name, inputs, attributes),
    infer: (inputs, attributes) => infer(name, inputs, attributes),
    mixes: (shapes, attributes) => windowMixes(name, shapes, attributes, true),
    flops: (inputs) => 2 * sizeOf(inputAt(inputs, 0).shape) * sizeOf(inputAt(inputs, 1).shape.slice(1)),
    reference: (inputs, attributes, output) =>
      tensor(
        output,
        convolveTransposed(inputAt(inputs, 0), inputAt(inputs, 1), inputs[2], output.shape, windowsOf(name, attributes), attributes.groups),
      ),
  };
}

export const conv1d = convolution("conv1d", "Convolves [..., C, T] to [..., out, T / stride]");
export const conv2d = convolution("conv2d", "Convolves [..., C, H, W] to [..., out, H / stride, W / stride]");
export const conv3d = convolution("conv3d", "Convolves [..., C, F, H, W] to [..., out, F / stride, H / stride, W / stride]");

export const convTranspose1d = transposed("convTranspose1d", "Spreads [..., C, T] to [..., out, T * stride], the transpose of `conv1d`");
export const convTranspose2d = transposed(
  "convTranspose2d",
  "Spreads [..., C, H, W] to [..., out, H * stride, W * stride], the transpose of `conv2d`",
);
export const convTranspose3d = transposed(
  "convTranspose3d",
  "Spreads [..., C, F, H, W] to [..., out, F * stride, H * stride, W * stride], the transpose of `conv3d`",
);
