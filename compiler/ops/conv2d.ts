/** `conv2d`: frames or images convolved with one kernel, each leading index on its own. */

import { plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf, type TensorType } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { AxisType, PrimitiveOp, ShapeProblem } from "./op.ts";
import { convolve } from "./reference/convolve.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank, resized } from "./rules.ts";

/** Zeros before and after the rows, and the columns alike. */
export function paddingOf(attributes: OpAttributes["conv2d"]): { readonly before: number; readonly after: number } {
  const { kernel, stride, padding } = attributes;
  if (padding === "end") return { before: 0, after: kernel - stride };
  return { before: kernel >> 1, after: kernel >> 1 };
}

function infer(inputs: readonly AxisType[], attributes: OpAttributes["conv2d"]): AxisType | ShapeProblem {
  const x = inputAt(inputs, 0);
  const { out, kernel, stride } = attributes;
  const refused =
    refuseInts("conv2d", x, 0) ??
    refuseRank("conv2d", x, 3, "the channels from the third axis from the end") ??
    refuseRank("conv2d", x, 4, "[..., C, H, W] behind at least one axis of frames or images") ??
    refuseBelow("conv2d", "out", out, 1) ??
    refuseBelow("conv2d", "kernel", kernel, 1) ??
    refuseBelow("conv2d", "stride", stride, 1);
  if (refused !== undefined) return refused;
  const { before, after } = paddingOf(attributes);
  if (after < 0) {
    const message = `\`conv2d\` with padding "end" needs a kernel no smaller than the stride, but the kernel is ${kernel} and the stride ${stride}`;
    return { code: "bad-attribute", message, hint: `\`kernel: ${stride}\``, at: { attribute: "kernel" } };
  }
  const [height, width] = [axisFromEnd(x, 2), axisFromEnd(x, 1)];
  const sizes = [height, width].map((axis) => Math.floor((axis.size + before + after - kernel) / stride) + 1);
  if (sizes.some((size) => size < 1)) {
    const message = `\`conv2d\` has a kernel of ${kernel}, which is larger than the picture [H, W] in ${showAxes(x.axes)} with its padding`;
    return { code: "bad-attribute", message, at: { attribute: "kernel" } };
  }
  const leading = x.axes.slice(0, -3);
  return { dtype: x.dtype, axes: [...leading, plainAxis(out), resized(height, inputAt(sizes, 0)), resized(width, inputAt(sizes, 1))] };
}

function flops(inputs: readonly TensorType[], output: TensorType): number {
  const [, channels = 1, height = 1, width = 1] = inputAt(inputs, 1).shape;
  return 2 * sizeOf(output.shape) * channels * height * width;
}

export const conv2d: PrimitiveOp<"conv2d"> = {
  signature: {
    name: "conv2d",
    inputs: [{ name: "x" }],
    attributes: [
      { name: "out", kind: "int" },
      { name: "kernel", kind: "int" },
      { name: "stride", kind: "int", default: 1 },
      { name: "padding", kind: { oneOf: ["both", "end"] }, default: "both" },
      { name: "bias", kind: "bool", default: true },
    ],
    ownsWeights: true,
    doc: "Convolves [..., C, H, W] to [..., out, H / stride, W / stride] with a square kernel; zeros on both sides, or at the right and bottom only.",
  },
  manual: {
    shapes: "[..., C, H, W] → [..., out, H / stride, W / stride]",
    weights: [
      { name: "weight", shape: "[out, C, kernel, kernel]", starts: "uniform within ±1 / √(C kernel²)" },
      { name: "bias", shape: "[out]", starts: "likewise" },
    ],
    source: "torch.nn.Conv2d",
    examples: [{ given: { x: "[B, C, H, W]" }, makes: "[B, 2 * C, H, W]", code: "x |> conv2d(2 * C, kernel: 3) as conv" }],
  },
  weights: (inputs, { out, kernel, bias }) => {
    const channels = axisFromEnd(inputAt(inputs, 0), 3).size;
    const init = { kind: "uniform", bound: 1 / Math.sqrt(channels * kernel * kernel) } as const;
    const weight = { name: "weight", shape: [out, channels, kernel, kernel], init };
    return bias ? [weight, { name: "bias", shape: [out], init }] : [weight];
  },
  infer,
  mixes: (shapes) => lastAxes(shapes, 3),
  flops,
  reference: (inputs, attributes, output) => {
    const { before } = paddingOf(attributes);
    return tensor(output, convolve(inputAt(inputs, 0), inputAt(inputs, 1), inputs[2], output.shape, attributes.stride, before));
  },
};
