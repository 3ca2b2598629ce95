/** `slice`: a run of one axis. */

import type { PrimitiveOp } from "./op.ts";
import { gather, offsets, stridesOf, tensor } from "./reference/tensor.ts";
import { bySize, inputAt, refuseAxis, refuseBelow } from "./rules.ts";

export const slice: PrimitiveOp<"slice"> = {
  signature: {
    name: "slice",
    inputs: [{ name: "x" }],
    attributes: [
      { name: "axis", kind: "int" },
      { name: "start", kind: "int" },
      { name: "size", kind: "int" },
    ],
    ownsWeights: false,
    doc: "The `size` elements of one axis from `start` on; axes are counted from 0.",
  },
  manual: {
    shapes: "[..., n, ...] → [..., size, ...]",
    source: "torch.narrow",
    examples: [{ given: { x: "[N, S, C]" }, makes: "[N, 1, C]", code: "x |> slice(axis: 1, start: 0, size: 1)" }],
  },
  infer: (inputs, attributes, axisOf = bySize) => {
    const x = inputAt(inputs, 0);
    const [axis, start, size] = [attributes.axis, attributes.start, attributes.size];
    const refused = refuseAxis("slice", axis, x) ?? refuseBelow("slice", "start", start, 0) ?? refuseBelow("slice", "size", size, 1);
    if (refused !== undefined) return refused;
    const cut = inputAt(x.axes, axis);
    if (start + size > cut.size) {
      const message = `\`slice\` takes the elements ${start} to ${start + size - 1} of axis ${cut.name}, but it has only ${cut.size}`;
      return { code: "bad-attribute", message, at: { attribute: start >= cut.size ? "start" : "size" } };
    }
    const named = axisOf("size", size);
    const kept = size === cut.size && named.plain ? cut : named;
    return { dtype: x.dtype, axes: x.axes.map((old, i) => (i === axis ? kept : old)) };
  },
  mixes: (_, { axis }) => [{ axis }],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const strides = stridesOf(shape);
    const start = attributes.start * (strides[attributes.axis] ?? 1);
    return tensor(output, gather(data, offsets(output.shape, strides, start)));
  },
};
