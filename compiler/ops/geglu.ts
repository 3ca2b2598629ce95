/** `geglu`: the last axis halves, the first half scaled by the GELU of the second (Shazeer, 2020). */

import { plainAxis } from "../graph/axis.ts";
import { geluOf } from "./elementwise.ts";
import type { PrimitiveOp } from "./op.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { axisFromEnd, inputAt, lastAxes, refuseInts, refuseRank, strided } from "./rules.ts";

export const geglu: PrimitiveOp<"geglu"> = {
  signature: {
    name: "geglu",
    inputs: [{ name: "x" }],
    attributes: [],
    ownsWeights: false,
    doc: "Halves the last axis of [..., 2 C]: the first half times gelu of the second, [..., C].",
  },
  manual: {
    shapes: "[..., 2 C] → [..., C]",
    source: "Shazeer, 2020; diffusers' GEGLU behind its projection",
    examples: [{ given: { x: "[N, S, C]" }, makes: "[N, S, C]", code: "x |> linear(8 * C) as widen |> geglu() |> linear(C) as narrow" }],
  },
  infer: (inputs) => {
    const x = inputAt(inputs, 0);
    const refused = refuseInts("geglu", x, 0) ?? refuseRank("geglu", x, 1, "both halves from the last axis");
    if (refused !== undefined) return refused;
    const last = axisFromEnd(x, 1);
    if (last.size % 2 === 0) return { dtype: x.dtype, axes: [...x.axes.slice(0, -1), strided(last, plainAxis(2), last.size / 2)] };
    const message = `\`geglu\` halves the last axis, but axis ${last.name} is ${last.size}, which is odd`;
    return { code: "not-divisible", message, at: { input: 0 } };
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: () => 0,
  reference: (inputs, _attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const half = (shape[shape.length - 1] ?? 2) / 2;
    const made = floatsFor(output);
    for (let i = 0; i < made.length; i++) {
      const at = Math.floor(i / half) * 2 * half + (i % half);
      made[i] = (data[at] as number) * geluOf(data[at + half] as number);
    }
    return tensor(output, made);
  },
};
