/** `sinusoid`: a step's number to cosines and sines of it (the embedding of diffusion steps). */

import { plainAxis } from "../graph/axis.ts";
import { nameFor } from "../targets/webgpu/kernels/form.ts";
import { intOf } from "./attributes.ts";
import type { PrimitiveOp } from "./op.ts";
import { tensor } from "./reference/tensor.ts";
import { countAxes, inputAt, refuseAbove, refuseBelow } from "./rules.ts";

/** Its frequencies are constants that every target holds. */
const widest = 65_536;

/** exp(-ln(10000) i / (width / 2)). */
function frequencies(width: number): number[] {
  return Array.from({ length: width / 2 }, (_, i) => Math.exp((-Math.log(10000) * i) / (width / 2)));
}

/**
 * The cosine of an angle less a part of a turn. WGSL promises its own only to 5e-4, and nothing beyond half a turn: the
 * whole turns leave in three parts (Cody and Waite), the rest by its series around the nearest half turn.
 */
function cosineOf(type: string): string {
  return `fn ${nameFor("cosine", type)}(angle: ${type}, behind: ${type}) -> ${type} {
  let turns = round(angle * 0.15915494309);
  var x = ((angle - turns * 6.28125) - turns * 0.0019350051879882812) - turns * 3.019916e-7;
  x = x - behind * 6.283185307;
  let half = round(x * 0.31830988618);
  x = (x - half * 3.140625) - half * 0.00096765358979;
  let q = x * x;
  let c = 1.0 + q * (-0.5 + q * (0.041666667 + q * (-0.0013888889 + q * (2.4801587e-5 + q * (-2.7557319e-7 + q * 2.0876757e-9)))));
  return c * (1.0 - 2.0 * abs(half - 2.0 * trunc(half * 0.5)));
}`;
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
    const refused = refuseBelow("sinusoid", "width", width, 2) ?? refuseAbove("sinusoid", "width", width, widest);
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
  wgsl: {
    kind: "gather",
    write: (reader, op, at, width) => {
      const [t = -1] = op.inputs;
      const rates = frequencies(intOf(op.attributes, "width"));
      const type = width === 4 ? "vec4<f32>" : "f32";
      reader.define(cosineOf(type));
      const [row = [], column = []] = at;
      // A sine is the cosine a quarter of a turn before.
      const turns = rates.map(() => 0).concat(rates.map(() => 0.25));
      const angle = `${reader.read(t, [row], width)} * ${reader.name(reader.table([...rates, ...rates], column, width))}`;
      return `${nameFor("cosine", type)}(${angle}, ${reader.table(turns, column, width)})`;
    },
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
