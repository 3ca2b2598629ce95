/** `groupNorm` and `layerNorm`: values to mean 0 and variance 1 over a group of channels or the last axis, then scaled and shifted. */

import { ones, refuseInit, type ScaleInit, scaleInit, zeros } from "./initialise.ts";
import type { Manual, OwnedWeight, PrimitiveOp } from "./op.ts";
import { normaliseRows } from "./reference/normalise-rows.ts";
import { rounded } from "./reference/tensor.ts";
import { affineAttribute, axisFromEnd, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank } from "./rules.ts";

function scaleAndShift(channels: number, init: ScaleInit): readonly OwnedWeight[] {
  return [
    { name: "weight", shape: [channels], init: init === "zeros" ? zeros : ones },
    { name: "bias", shape: [channels], init: zeros },
  ];
}

const scaleAndShiftPage: Manual["weights"] = [
  { name: "weight", shape: "[C]", starts: "ones" },
  { name: "bias", shape: "[C]", starts: "zeros" },
];

/** The largest number of groups up to 32 that divides, for a hint. */
function divisorUpTo(channels: number, most: number): number {
  for (let groups = Math.min(channels, most); groups > 1; groups--) if (channels % groups === 0) return groups;
  return 1;
}

export const groupNorm: PrimitiveOp<"groupNorm"> = {
  signature: {
    name: "groupNorm",
    inputs: [{ name: "x" }],
    attributes: [{ name: "groups", kind: "int" }, { name: "eps", kind: "float", default: 1e-5 }, scaleInit],
    ownsWeights: true,
    doc: "Normalises [..., C, H, W] over groups of channels, frame by frame, then scales and shifts each channel.",
  },
  manual: {
    shapes: "[..., C, H, W] → [..., C, H, W]",
    weights: scaleAndShiftPage,
    source: "torch.nn.GroupNorm",
    examples: [{ given: { x: "[B, F, C, H, W]" }, makes: "[B, F, C, H, W]", code: "x |> groupNorm(4) as norm |> silu()" }],
  },
  weights: (inputs, { init }) => scaleAndShift(axisFromEnd(inputAt(inputs, 0), 3).size, init),
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    const groups = attributes.groups;
    const refused =
      refuseInts("groupNorm", x, 0) ??
      refuseRank("groupNorm", x, 3, "the channels from the third axis from the end") ??
      refuseBelow("groupNorm", "groups", groups, 1) ??
      refuseBelow("groupNorm", "eps", attributes.eps, 0);
    if (refused !== undefined) return refused;
    const channels = axisFromEnd(x, 3);
    if (channels.size % groups === 0) return x;
    const message = `\`groupNorm\` splits ${channels.size} channels (axis ${channels.name}) into ${groups} groups, which does not divide`;
    return { code: "not-divisible", message, hint: `\`groups: ${divisorUpTo(channels.size, groups)}\``, at: { attribute: "groups" } };
  },
  mixes: (shapes) => lastAxes(shapes, 3),
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const [x, weight, bias] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
    const [channels = 1, height = 1, width = 1] = x.shape.slice(-3);
    const pixels = height * width;
    const made = normaliseRows(x.data, (channels / attributes.groups) * pixels, attributes.eps);
    for (let i = 0; i < made.length; i++) {
      const channel = Math.floor(i / pixels) % channels;
      made[i] = (made[i] as number) * (weight.data[channel] as number) + (bias.data[channel] as number);
    }
    return rounded(output, made);
  },
};

export const layerNorm: PrimitiveOp<"layerNorm"> = {
  signature: {
    name: "layerNorm",
    inputs: [{ name: "x" }],
    attributes: [{ name: "eps", kind: "float", default: 1e-5 }, affineAttribute, scaleInit],
    ownsWeights: true,
    doc: "Normalises the last axis of [..., C], then scales and shifts each channel; without `affine` it has no weights and does neither.",
  },
  manual: {
    shapes: "[..., C] → [..., C]",
    weights: scaleAndShiftPage,
    source: "torch.nn.LayerNorm",
    examples: [
      { given: { x: "[N, S, C]" }, makes: "[N, S, C]", code: "x |> layerNorm() as norm" },
      {
        about: "modulated by a condition, as in DiT: no weights of its own, and so no label",
        given: { x: "[N, S, C]", shift: "[N, 1, C]", scale: "[N, 1, C]" },
        makes: "[N, S, C]",
        code: "(x |> layerNorm(eps: 1e-6, affine: false)) * (1.0 + scale) + shift",
      },
    ],
  },
  weights: (inputs, { affine, init }) => (affine ? scaleAndShift(axisFromEnd(inputAt(inputs, 0), 1).size, init) : []),
  infer: (inputs, { eps, affine, init }) => {
    const x = inputAt(inputs, 0);
    const refused = refuseInts("layerNorm", x, 0) ?? refuseRank("layerNorm", x, 1, "the channels from the last axis");
    return refused ?? refuseBelow("layerNorm", "eps", eps, 0) ?? refuseInit("layerNorm", affine, init) ?? x;
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const x = inputAt(inputs, 0);
    const [, weight, bias] = inputs;
    const channels = x.shape.at(-1) ?? 1;
    const made = normaliseRows(x.data, channels, attributes.eps);
    if (weight === undefined || bias === undefined) return rounded(output, made);
    for (let i = 0; i < made.length; i++) {
      made[i] = (made[i] as number) * (weight.data[i % channels] as number) + (bias.data[i % channels] as number);
    }
    return rounded(output, made);
  },
};
