/** `conv1d`, `conv2d`, `conv3d` and their transposes: channels summed over windows along the last axes, whatever stands before the channels each on its own. */

import { showAxes } from "../graph/axis.ts";
import { sizeOf, type TensorType } from "../graph/graph.ts";
import type { OpAttributes, Padding } from "../graph/op-names.ts";
import type { AttributeAxis, AxisType, Manual, OwnedWeight, PrimitiveOp, ShapeProblem } from "./op.ts";
import { convolve, convolveTransposed } from "./reference/convolve.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, bySize, inputAt, refuseBelow, refuseInts, refuseRank } from "./rules.ts";
import { type ConvolutionName, isTransposed, type TransposedName, windowAxes, windowedAxes, windowMixes, windowsOf } from "./windows.ts";

type Attributes = OpAttributes["conv2d"];
type Name = ConvolutionName | TransposedName;

/** By the number of axes that windows go along. */
const layouts = { 1: "C, T", 2: "C, H, W", 3: "C, F, H, W" } as const;
const ordinals = { 1: "second", 2: "third", 3: "fourth" } as const;

function infer(op: Name, inputs: readonly AxisType[], attributes: Attributes, axisOf: AttributeAxis = bySize): AxisType | ShapeProblem {
  const x = inputAt(inputs, 0);
  const axes = windowAxes[op];
  const refused =
    refuseInts(op, x, 0) ??
    refuseRank(op, x, axes + 1, `the channels from the ${ordinals[axes]} axis from the end`) ??
    refuseRank(op, x, axes + 2, `[..., ${layouts[axes]}] behind at least one axis of the batch`) ??
    refuseBelow(op, "out", attributes.out, 1) ??
    refuseGroups(op, x, attributes);
  if (refused !== undefined) return refused;
  const last = windowedAxes(op, x, attributes, axisOf);
  if ("code" in last) return last;
  return { dtype: x.dtype, axes: [...x.axes.slice(0, -axes - 1), axisOf("out", attributes.out), ...last] };
}

function refuseGroups(op: Name, x: AxisType, { out, groups }: Attributes): ShapeProblem | undefined {
  const below = refuseBelow(op, "groups", groups, 1);
  if (below !== undefined) return below;
  const channels = axisFromEnd(x, windowAxes[op] + 1);
  const [count, what] =
    channels.size % groups !== 0
      ? [channels.size, `channels (axis ${channels.name} of ${showAxes(x.axes)})`]
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

function shapesOf(op: Name, operator: "/" | "*"): string {
  const axes = lastOf(op);
  return `[..., C, ${axes.join(", ")}] → [..., out, ${axes.map((axis) => `${axis} ${operator} stride`).join(", ")}]`;
}

function kernelOf(op: Name): string {
  return lastOf(op)
    .map(() => "kernel")
    .join(", ");
}

/** The axes that windows go along. */
function lastOf(op: Name): readonly string[] {
  return layouts[windowAxes[op]].split(", ").slice(1);
}

/** What tells convolutions from their transposes. */
interface Kind {
  readonly paddings: readonly Exclude<Padding, number>[];
  /** What each padding does. */
  readonly padding: string;
  readonly operator: "/" | "*";
  readonly weight: string;
  readonly starts: string;
  readonly torch: string;
  readonly flops: (x: TensorType, weight: TensorType, output: TensorType) => number;
  readonly compute: typeof convolve;
}

const forward: Kind = {
  paddings: ["same", "causal", "end", "none"],
  padding:
    'Zeros stand half before and half after ("same"), all before ("causal"), after as far as the stride needs them ("end"), nowhere ("none"), or as many as an int says at each end; what a stride leaves over is dropped.',
  operator: "/",
  weight: "out, C / groups",
  starts: "a channel of the result",
  torch: "Conv",
  flops: (_, weight, output) => 2 * sizeOf(output.shape) * sizeOf(weight.shape.slice(1)),
  compute: convolve,
};

const backward: Kind = {
  paddings: ["same", "causal", "none"],
  padding:
    'What goes beyond the enlarged axis is cut at both ends ("same"), all at the end, so that nothing reads a later place ("causal"), not at all ("none"), or by as many places as an int says at each end, like PyTorch\'s `padding`.',
  operator: "*",
  weight: "C, out / groups",
  starts: "a channel of x",
  torch: "ConvTranspose",
  flops: (x, weight) => 2 * sizeOf(x.shape) * sizeOf(weight.shape.slice(1)),
  compute: convolveTransposed,
};

function convolution<O extends Name>(name: O, kind: Kind, doc: string, examples: Manual["examples"]): PrimitiveOp<O> {
  const axes = windowAxes[name];
  return {
    signature: {
      name,
      inputs: [{ name: "x" }],
      attributes: [
        { name: "out", kind: "int" },
        { name: "kernel", kind: { perAxis: [] } },
        { name: "stride", kind: { perAxis: [] }, default: 1 },
        { name: "padding", kind: { perAxis: kind.paddings }, default: "same" },
        ...shared,
      ],
      ownsWeights: true,
      doc: `${doc}; kernel, stride, padding and dilation are one for all axes or a list of one an axis. ${kind.padding}`,
    },
    manual: {
      shapes: shapesOf(name, kind.operator),
      weights: [
        { name: "weight", shape: `[${kind.weight}, ${kernelOf(name)}]`, starts: `uniform within ±1 / √(elements of ${kind.starts})` },
        { name: "bias", shape: "[out]", starts: "likewise" },
      ],
      source: `torch.nn.${kind.torch}${axes}d`,
      examples,
    },
    weights: (inputs, attributes) => weights(name, inputs, attributes),
    infer: (inputs, attributes, axisOf) => infer(name, inputs, attributes, axisOf),
    mixes: (shapes, attributes) => windowMixes(name, shapes, attributes, true),
    flops: (inputs, output) => kind.flops(inputAt(inputs, 0), inputAt(inputs, 1), output),
    reference: (inputs, attributes, output) => {
      const [x, weight] = [inputAt(inputs, 0), inputAt(inputs, 1)];
      return tensor(output, kind.compute(x, weight, inputs[2], output, windowsOf(name, attributes), attributes.groups));
    },
  };
}

export const conv1d = convolution("conv1d", forward, "Convolves [..., C, T] to [..., out, T / stride]", [
  {
    about: "each channel along time by itself, no frame before its own: depthwise and causal",
    given: { x: "[N, C, F]" },
    makes: "[N, C, F]",
    code: 'x |> conv1d(C, kernel: 3, padding: "causal", groups: C) as mix',
  },
]);
export const conv2d = convolution("conv2d", forward, "Convolves [..., C, H, W] to [..., out, H / stride, W / stride]", [
  { given: { x: "[B, C, H, W]" }, makes: "[B, 2 * C, H, W]", code: "x |> conv2d(2 * C, kernel: 3) as conv" },
  {
    about: "patches of 2 by 2 pixels to one token each",
    given: { x: "[B, C, H, W]" },
    makes: "[B, 32, H / 2, W / 2]",
    code: 'x |> conv2d(32, kernel: 2, stride: 2, padding: "none") as patches',
  },
]);
export const conv3d = convolution("conv3d", forward, "Convolves [..., C, F, H, W] to [..., out, F / stride, H / stride, W / stride]", [
  {
    about: "directed along the frames, as in a causal video autoencoder",
    given: { x: "[B, C, F, H, W]" },
    makes: "[B, C, F, H, W]",
    code: 'x |> conv3d(C, kernel: 3, padding: ["causal", "same", "same"]) as conv',
  },
]);

export const convTranspose1d = convolution(
  "convTranspose1d",
  backward,
  "Spreads [..., C, T] to [..., out, T * stride], the transpose of `conv1d`",
  [{ given: { x: "[N, C, F]" }, makes: "[N, C, F * 2]", code: "x |> convTranspose1d(C, kernel: 4, stride: 2) as double" }],
);
export const convTranspose2d = convolution(
  "convTranspose2d",
  backward,
  "Spreads [..., C, H, W] to [..., out, H * stride, W * stride], the transpose of `conv2d`",
  [{ given: { x: "[B, C, H, W]" }, makes: "[B, C, H * 2, W * 2]", code: "x |> convTranspose2d(C, kernel: 4, stride: 2) as double" }],
);
export const convTranspose3d = convolution(
  "convTranspose3d",
  backward,
  "Spreads [..., C, F, H, W] to [..., out, F * stride, H * stride, W * stride], the transpose of `conv3d`",
  [
    {
      given: { x: "[B, C, F, H, W]" },
      makes: "[B, C, F * 2, H * 2, W * 2]",
      code: "x |> convTranspose3d(C, kernel: 4, stride: 2) as double",
    },
  ],
);
