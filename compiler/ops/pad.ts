/** `pad`: zeros before and after along one axis. */

import { sizeOf } from "../graph/graph.ts";
import type { PrimitiveOp } from "./op.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { bySize, inputAt, joined, refuseAxis, refuseBelow, refuseInts } from "./rules.ts";

export const pad: PrimitiveOp<"pad"> = {
  signature: {
    name: "pad",
    inputs: [{ name: "x" }],
    attributes: [
      { name: "axis", kind: "int" },
      { name: "before", kind: "int" },
      { name: "after", kind: "int" },
    ],
    ownsWeights: false,
    doc: "Zeros along one axis, `before` of them ahead of its elements and `after` behind them; axes are counted from 0.",
  },
  manual: {
    shapes: "[..., n, ...] → [..., before + n + after, ...]",
    source: "torch.nn.functional.pad of one axis",
    examples: [
      {
        about: "each frame gets the one before it, the first one zeros: directed along F",
        given: { x: "[B, F, C]" },
        makes: "[B, F, C]",
        code: "x |> pad(axis: 1, before: 1, after: 0) |> slice(axis: 1, start: 0, size: F)",
      },
    ],
  },
  infer: (inputs, { axis, before, after }, axisOf = bySize) => {
    const x = inputAt(inputs, 0);
    const refused =
      refuseInts("pad", x, 0) ??
      refuseAxis("pad", axis, x) ??
      refuseBelow("pad", "before", before, 0) ??
      refuseBelow("pad", "after", after, 0);
    if (refused !== undefined || before + after === 0) return refused ?? x;
    return {
      dtype: x.dtype,
      axes: x.axes.map((old, i) => (i === axis ? joined([axisOf("before", before), old, axisOf("after", after)]) : old)),
    };
  },
  mixes: (_, { axis }) => [{ axis }],
  flops: () => 0,
  reference: (inputs, { axis, before }, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const made = floatsFor(output);
    const [part, whole] = [sizeOf(shape.slice(axis)), sizeOf(output.shape.slice(axis))];
    const ahead = before * sizeOf(shape.slice(axis + 1));
    for (let row = 0; row < data.length / part; row++) made.set(data.subarray(row * part, (row + 1) * part), row * whole + ahead);
    return tensor(output, made);
  },
};
