/** `sinusoid`: a step's number to cosines and sines of it (the embedding of diffusion steps). */

import type { OpAttributes } from "../graph/op-names.ts";
import { exponential, logarithm } from "./exponential.ts";
import type { PrimitiveOp } from "./op.ts";
import { rounded } from "./reference/tensor.ts";
import { bySize, countAxes, inputAt, refuseAbove, refuseBelow, refuseInts } from "./rules.ts";

/** Its frequencies are constants that every target holds. */
const widest = 65_536;

type Sinusoid = OpAttributes["sinusoid"];

/** scale * exp(-ln(maxPeriod) i / (width / 2 - shift)). */
export function frequencies({ width, shift, maxPeriod, scale }: Sinusoid): number[] {
  return Array.from({ length: width / 2 }, (_, i) => scale * exponential((-logarithm(maxPeriod) * i) / (width / 2 - shift)));
}

export const sinusoid: PrimitiveOp<"sinusoid"> = {
  signature: {
    name: "sinusoid",
    inputs: [{ name: "t" }],
    attributes: [
      { name: "width", kind: "int" },
      {
        name: "order",
        kind: { oneOf: ["cos-sin", "sin-cos"] },
        default: "cos-sin",
        doc: '"cos-sin" is `flip_sin_to_cos=True` in diffusers',
      },
      { name: "shift", kind: "float", default: 0, doc: "`downscale_freq_shift` in diffusers" },
      { name: "maxPeriod", kind: "float", default: 10000, doc: "of the slowest wave, over 2π" },
      { name: "scale", kind: "float", default: 1, doc: "what t is multiplied with" },
    ],
    ownsWeights: false,
    doc: "Cosines, then sines, of t [B] at the frequencies scale * maxPeriod^(-i / (width / 2 - shift)), to [B, width].",
  },
  manual: {
    shapes: "f32 [B] → [B, width]",
    source:
      "timestep_embedding of the latent diffusion models; get_timestep_embedding of diffusers has the other order and a shift of 1 by default",
    examples: [
      {
        given: { t: "f32 [B]" },
        makes: "[B, 4 * C]",
        code: "t |> sinusoid(C) |> linear(4 * C) as step1 |> silu() |> linear(4 * C) as step2",
      },
      {
        about: "as Vaswani et al. and DDPM have it",
        given: { t: "f32 [B]" },
        makes: "[B, C]",
        code: 't |> sinusoid(C, order: "sin-cos", shift: 1)',
      },
    ],
  },
  takesPrecision: true,
  infer: (inputs, { width, shift, maxPeriod, dtype }, axisOf = bySize) => {
    const t = inputAt(inputs, 0);
    const ints = refuseInts("sinusoid", t, 0);
    if (ints !== undefined) return ints;
    if (t.axes.length !== 1) {
      return { code: "wrong-rank", message: `\`sinusoid\` takes t as [B], but the value has ${countAxes(t)}`, at: { input: 0 } };
    }
    const refused = refuseBelow("sinusoid", "width", width, 2) ?? refuseAbove("sinusoid", "width", width, widest);
    if (refused !== undefined) return refused;
    if (width % 2 !== 0) {
      const message = `\`sinusoid\` fills half of its width with cosines and half with sines, but \`width\` is ${width}, which is odd`;
      return { code: "bad-attribute", message, at: { attribute: "width" } };
    }
    if (!(maxPeriod > 0)) {
      const message = `\`sinusoid\` needs a positive \`maxPeriod\`, but it is ${maxPeriod}`;
      return { code: "bad-attribute", message, at: { attribute: "maxPeriod" } };
    }
    if (!(shift < width / 2)) {
      const message = `\`sinusoid\` needs a \`shift\` below ${width / 2}, the half of its width, but it is ${shift}`;
      return { code: "bad-attribute", message, at: { attribute: "shift" } };
    }
    return { dtype, axes: [...t.axes, axisOf("width", width)] };
  },
  mixes: () => [{ axis: 1 }],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const steps = inputAt(inputs, 0).data;
    const rates = frequencies(attributes);
    const waves = attributes.order === "cos-sin" ? [Math.cos, Math.sin] : [Math.sin, Math.cos];
    const rows = Array.from(steps, (t) => waves.flatMap((wave) => rates.map((rate) => wave(t * rate))));
    return rounded(output, rows.flat());
  },
};
