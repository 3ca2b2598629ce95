/** `rmsNorm`: values to a mean square of 1 over the last axis, then scaled (Zhang and Sennrich, 2019; PyTorch's `RMSNorm`). */

import type { PrimitiveOp } from "./op.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, inputAt, lastAxes, refuseInts, refuseRank } from "./rules.ts";

export const rmsNorm: PrimitiveOp<"rmsNorm"> = {
  signature: {
    name: "rmsNorm",
    inputs: [{ name: "x" }],
    attributes: [{ name: "eps", kind: "float", default: 1e-6 }],
    ownsWeights: true,
    doc: "Divides the last axis of [..., C] by the root of its mean square, then scales each channel.",
  },
  weights: (inputs) => [{ name: "weight", shape: [axisFromEnd(inputAt(inputs, 0), 1).size], init: { kind: "ones" } }],
  infer: (inputs) => {
    const x = inputAt(inputs, 0);
    return refuseInts("rmsNorm", x, 0) ?? refuseRank("rmsNorm", x, 1, "the channels from the last axis") ?? x;
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: () => 0,
  reference: (inputs, { eps }, output) => {
    const [x, weight] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const channels = weight.data.length;
    const made = new Float32Array(x.data.length);
    for (let start = 0; start < made.length; start += channels) {
      let squares = 0;
      for (let c = 0; c < channels; c++) squares += (x.data[start + c] as number) ** 2;
      const factor = 1 / Math.sqrt(squares / channels + eps);
      for (let c = 0; c < channels; c++) made[start + c] = (x.data[start + c] as number) * factor * (weight.data[c] as number);
    }
    return tensor(output, made);
  },
};
