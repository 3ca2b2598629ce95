/** `rmsNorm`: values to a mean square of 1 over the last axis, then scaled (Zhang and Sennrich, 2019; PyTorch's `RMSNorm`). */

import { ones, refuseInit, scaleInit, zeros } from "./initialise.ts";
import type { PrimitiveOp } from "./op.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { affineAttribute, axisFromEnd, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank } from "./rules.ts";

export const rmsNorm: PrimitiveOp<"rmsNorm"> = {
  signature: {
    name: "rmsNorm",
    inputs: [{ name: "x" }],
    attributes: [{ name: "eps", kind: "float", default: 1e-6 }, affineAttribute, scaleInit],
    ownsWeights: true,
    doc: "Divides the last axis of [..., C] by the root of its mean square, then scales each channel; without `affine` it has no weights and does not scale.",
  },
  manual: {
    shapes: "[..., C] → [..., C]",
    weights: [{ name: "weight", shape: "[C]", starts: "ones" }],
    source: "torch.nn.RMSNorm; Zhang and Sennrich, 2019",
    examples: [{ given: { x: "[N, S, C]" }, makes: "[N, S, C]", code: "x |> rmsNorm() as norm" }],
  },
  weights: (inputs, { affine, init }) =>
    affine ? [{ name: "weight", shape: [axisFromEnd(inputAt(inputs, 0), 1).size], init: init === "zeros" ? zeros : ones }] : [],
  infer: (inputs, { eps, affine, init }) => {
    const x = inputAt(inputs, 0);
    const refused = refuseInts("rmsNorm", x, 0) ?? refuseRank("rmsNorm", x, 1, "the channels from the last axis");
    return refused ?? refuseBelow("rmsNorm", "eps", eps, 0) ?? refuseInit("rmsNorm", affine, init) ?? x;
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: () => 0,
  reference: (inputs, { eps }, output) => {
    const x = inputAt(inputs, 0);
    const weight = inputs[1]?.data;
    const channels = x.shape.at(-1) ?? 1;
    const made = floatsFor(output);
    for (let start = 0; start < made.length; start += channels) {
      let squares = 0;
      for (let c = 0; c < channels; c++) squares += (x.data[start + c] as number) ** 2;
      const factor = 1 / Math.sqrt(squares / channels + eps);
      for (let c = 0; c < channels; c++) made[start + c] = (x.data[start + c] as number) * factor * (weight?.[c] ?? 1);
    }
    return tensor(output, made);
  },
};
