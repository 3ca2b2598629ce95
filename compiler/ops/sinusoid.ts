/** `sinusoid`: a step's number to cosines and sines of it (the embedding of diffusion steps). */

import { plainAxis } from "../graph/axis.ts";
import { intOf } from "./attributes.ts";
import { tensor } from "./kernels/tensor.ts";
import type { PrimitiveOp } from "./op.ts";
import { countAxes, inputAt, refuseBelow } from "./rules.ts";

/** exp(-ln(10000) i / (width / 2)). */
function frequencies(width: number): number[] {
  return Array.from({ length: width / 2 }, (_, i) => Math.exp((-Math.log(10000) * i) / (width / 2)));
}

export const sinusoid: PrimitiveOp = {
  signature: {
    name: "sinusoid",
    inputs: [{ name: "t" }],
    attributes: [{ name: "width", kind: "int" }],
    ownsWeights: false,
    doc: "Cosines, then sines, of t [B] (f32) at falling frequencies, to [B, width].",
  },
  infer: (inputs, attributes) => {
    const t = inputAt(inputs, 0);
    const width = intOf(attributes, "width");
    if (t.dtype !== "f32") {
      return { code: "wrong-dtype", message: `\`sinusoid\` takes t as f32, but the value is ${t.dtype}`, at: { input: 0 } };
    }
    if (t.axes.length !== 1) {
      return { code: "wrong-rank", message: `\`sinusoid\` takes t as [B], but the value has ${countAxes(t)}`, at: { input: 0 } };
    }
    const refused = refuseBelow("sinusoid", "width", width, 2);
    if (refused !== undefined) return refused;
    if (width % 2 !== 0) {
      const message = `\`sinusoid\` fills half of its width with cosines and half with sines, but \`width\` is ${width}, which is odd`;
      return { code: "bad-attribute", message, at: { attribute: "width" } };
    }
    return { dtype: attributes.dtype === "f16" ? "f16" : "f32", axes: [...t.axes, plainAxis(width)] };
  },
  mixes: () => [{ axis: 1 }],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const steps = inputAt(inputs, 0).data;
    const rates = frequencies(intOf(attributes, "width"));
    const rows = Array.from(steps, (t) => [...rates.map((rate) => Math.cos(t * rate)), ...rates.map((rate) => Math.sin(t * rate))]);
    return tensor(output, Float32Array.from(rows.flat()));
  },
  /** In f32 to the end: at t = 999 the angle itself has no digits left in f16. */
  onnx: (writer, inputs, value) => {
    const rates = frequencies(intOf(value.attributes, "width"));
    const column = writer.reshape(inputAt(inputs, 0), [], [-1, 1]);
    const angles = writer.node("Mul", [column, writer.constant("f32", [1, rates.length], rates)]);
    const made = writer.node("Concat", [writer.node("Cos", [angles]), writer.node("Sin", [angles])], { axis: 1 });
    return writer.cast(made, "f32", value.type.dtype);
  },
};
