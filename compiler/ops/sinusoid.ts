/** `sinusoid`: a step's number to cosines and sines of it (the embedding of diffusion steps). */

import type { PrimitiveOp } from "./op.ts";
import { tensor } from "./reference/tensor.ts";
import { bySize, countAxes, inputAt, refuseAbove, refuseBelow } from "./rules.ts";

/** Its frequencies are constants that every target holds. */
const widest = 65_536;

/** exp(-ln(10000) i / (width / 2)). */
export function frequencies(width: number): number[] {
  return Array.from({ length: width / 2 }, (_, i) => Math.exp((-Math.log(10000) * i) / (width / 2)));
}

export const sinusoid: PrimitiveOp<"sinusoid"> = {
  signature: {
    name: "sinusoid",
    inputs: [{ name: "t" }],
    attributes: [{ name: "width", kind: "int" }],
    ownsWeights: false,
    doc: "Cosines, then sines, of t [B] (f32) at falling frequencies, to [B, width].",
  },
  takesPrecision: true,
  infer: (inputs, { width, dtype }, axisOf = bySize) => {
    const t = inputAt(inputs, 0);
    if (t.dtype !== "f32") {
      return { code: "wrong-dtype", message: `\`sinusoid\` takes t as f32, but the value is ${t.dtype}`, at: { input: 0 } };
    }
    if (t.axes.length !== 1) {
      return { code: "wrong-rank", message: `\`sinusoid\` takes t as [B], but the value has ${countAxes(t)}`, at: { input: 0 } };
    }
    const refused = refuseBelow("sinusoid", "width", width, 2) ?? refuseAbove("sinusoid", "width", width, widest);
    if (refused !== undefined) return refused;
    if (width % 2 !== 0) {
      const message = `\`sinusoid\` fills half of its width with cosines and half with sines, but \`width\` is ${width}, which is odd`;
      return { code: "bad-attribute", message, at: { attribute: "width" } };
    }
    return { dtype, axes: [...t.axes, axisOf("width", width)] };
  },
  mixes: () => [{ axis: 1 }],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const steps = inputAt(inputs, 0).data;
    const rates = frequencies(attributes.width);
    const rows = Array.from(steps, (t) => [...rates.map((rate) => Math.cos(t * rate)), ...rates.map((rate) => Math.sin(t * rate))]);
    return tensor(output, Float32Array.from(rows.flat()));
  },
};
