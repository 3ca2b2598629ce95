/** `linear`: the last axis through one matrix. */

import { sizeOf } from "../graph/graph.ts";
import { matrixInit, startMatrix } from "./initialise.ts";
import type { PrimitiveOp } from "./op.ts";
import { productTransposed } from "./reference/product.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { axisFromEnd, bySize, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank } from "./rules.ts";

export const linear: PrimitiveOp<"linear"> = {
  signature: {
    name: "linear",
    inputs: [{ name: "x" }],
    attributes: [{ name: "out", kind: "int" }, { name: "bias", kind: "bool", default: true }, matrixInit],
    ownsWeights: true,
    doc: "Multiplies the last axis of [..., C] with a matrix to [..., out], and adds a bias.",
  },
  manual: {
    shapes: "[..., C] → [..., out]",
    weights: [
      { name: "weight", shape: "[out, C]", starts: "uniform within ±1 / √C" },
      { name: "bias", shape: "[out]", starts: "likewise" },
    ],
    source: "torch.nn.Linear",
    examples: [
      { given: { x: "[N, S, C]" }, makes: "[N, S, 4 * C]", code: "x |> linear(4 * C) as widen" },
      {
        about: "a projection that adds nothing before it is trained",
        given: { x: "[N, S, C]" },
        makes: "[N, S, C]",
        code: 'x + (x |> linear(C, init: "zeros") as project)',
      },
    ],
  },
  weights: (inputs, { out, bias, init }) => {
    const width = axisFromEnd(inputAt(inputs, 0), 1).size;
    const [ofMatrix, ofBias] = startMatrix(init, out, width);
    const weight = { name: "weight", shape: [out, width], init: ofMatrix };
    return bias ? [weight, { name: "bias", shape: [out], init: ofBias }] : [weight];
  },
  infer: (inputs, { out }, axisOf = bySize) => {
    const x = inputAt(inputs, 0);
    const refused =
      refuseInts("linear", x, 0) ?? refuseRank("linear", x, 1, "the channels from the last axis") ?? refuseBelow("linear", "out", out, 1);
    return refused ?? { dtype: x.dtype, axes: [...x.axes.slice(0, -1), axisOf("out", out)] };
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: (inputs, output) => 2 * sizeOf(output.shape) * (inputAt(inputs, 1).shape[1] ?? 1),
  reference: (inputs, _attributes, output) => {
    const [x, weight, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputs[2]];
    const [out = 1, width = 1] = weight.shape;
    const rows = x.data.length / width;
    const made = floatsFor(output);
    productTransposed({ data: x.data, start: 0 }, { data: weight.data, start: 0 }, made, 0, rows, width, out);
    if (bias !== undefined) for (let i = 0; i < made.length; i++) made[i] = (made[i] as number) + (bias.data[i % out] as number);
    return tensor(output, made);
  },
};
