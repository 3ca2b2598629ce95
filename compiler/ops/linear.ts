/** `linear`: the last axis through one matrix. */

import { plainAxis } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import { boolOf, intOf, textOf } from "./attributes.ts";
import type { PrimitiveOp } from "./op.ts";
import { productTransposed } from "./reference/product.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank } from "./rules.ts";

export const linear: PrimitiveOp = {
  signature: {
    name: "linear",
    inputs: [{ name: "x" }],
    attributes: [
      { name: "out", kind: "int" },
      { name: "bias", kind: "bool", default: true },
      { name: "init", kind: { oneOf: ["default", "zeros"] }, default: "default" },
    ],
    ownsWeights: true,
    doc: "Multiplies the last axis of [..., C] with a matrix to [..., out], and adds a bias.",
  },
  weights: (inputs, attributes) => {
    const width = axisFromEnd(inputAt(inputs, 0), 1).size;
    const out = intOf(attributes, "out");
    const zeros = textOf(attributes, "init") === "zeros";
    const init = zeros ? ({ kind: "zeros" } as const) : ({ kind: "uniform", bound: 1 / Math.sqrt(width) } as const);
    const weight = { name: "weight", shape: [out, width], init };
    return boolOf(attributes, "bias") ? [weight, { name: "bias", shape: [out], init }] : [weight];
  },
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    const out = intOf(attributes, "out");
    const refused =
      refuseInts("linear", x, 0) ?? refuseRank("linear", x, 1, "the channels from the last axis") ?? refuseBelow("linear", "out", out, 1);
    return refused ?? { dtype: x.dtype, axes: [...x.axes.slice(0, -1), plainAxis(out)] };
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: (inputs, output) => 2 * sizeOf(output.shape) * (inputAt(inputs, 1).shape[1] ?? 1),
  reference: (inputs, _attributes, output) => {
    const [x, weight, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputs[2]];
    const [out = 1, width = 1] = weight.shape;
    const rows = x.data.length / width;
    const made = new Float32Array(rows * out);
    productTransposed({ data: x.data, start: 0 }, { data: weight.data, start: 0 }, made, 0, rows, width, out);
    if (bias !== undefined) for (let i = 0; i < made.length; i++) made[i] = (made[i] as number) + (bias.data[i % out] as number);
    return tensor(output, made);
  },
  wgsl: { kind: "kernel" },
  /** Gemm takes the weight as the file holds it; MatMul would need it transposed, which ONNX Runtime keeps as a second copy while it loads. */
  onnx: (writer, inputs, value, types) => {
    const x = inputAt(types, 0);
    const weights = inputs.slice(1).map((name, i) => writer.cast(name, inputAt(types, i + 1).dtype, x.dtype));
    const width = x.shape[x.shape.length - 1] ?? 1;
    const out = value.type.shape[value.type.shape.length - 1] ?? 1;
    const rows = sizeOf(x.shape) / width;
    const flat = writer.reshape(inputAt(inputs, 0), x.shape, [rows, width]);
    const made = writer.node("Gemm", [flat, ...weights], { transB: 1 });
    return writer.reshape(made, [rows, out], value.type.shape);
  },
};
