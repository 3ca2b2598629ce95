/** `upsample`: each pixel repeated. */

import type { PrimitiveOp } from "./op.ts";
import { gather, tensor } from "./reference/tensor.ts";
import { axisFromEnd, bySize, enlarged, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank } from "./rules.ts";

export const upsample: PrimitiveOp<"upsample"> = {
  signature: {
    name: "upsample",
    inputs: [{ name: "x" }],
    attributes: [{ name: "factor", kind: "int" }],
    ownsWeights: false,
    doc: "Repeats each pixel of [..., H, W] `factor` times both ways: the nearest neighbour.",
  },
  manual: {
    shapes: "[..., H, W] → [..., H * factor, W * factor]",
    source: 'torch.nn.Upsample(mode="nearest")',
    examples: [{ given: { x: "[B, C, H, W]" }, makes: "[B, C, H * 2, W * 2]", code: "x |> upsample(2) |> conv2d(C, kernel: 3) as double" }],
  },
  infer: (inputs, attributes, axisOf = bySize) => {
    const x = inputAt(inputs, 0);
    const factor = attributes.factor;
    const refused =
      refuseInts("upsample", x, 0) ??
      refuseRank("upsample", x, 2, "height and width from the last two axes") ??
      refuseBelow("upsample", "factor", factor, 1);
    if (refused !== undefined) return refused;
    if (factor === 1) return x;
    const grown = [axisFromEnd(x, 2), axisFromEnd(x, 1)].map((axis) => enlarged(axis, axisOf("factor", factor)));
    return { dtype: x.dtype, axes: [...x.axes.slice(0, -2), ...grown] };
  },
  mixes: (shapes) => lastAxes(shapes, 2),
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const factor = attributes.factor;
    const [height = 1, width = 1] = shape.slice(-2);
    const [rows, columns] = [height * factor, width * factor];
    const at = new Int32Array(data.length * factor * factor);
    for (let i = 0; i < at.length; i++) {
      const plane = Math.floor(i / (rows * columns));
      const [row, column] = [Math.floor(i / columns) % rows, i % columns];
      at[i] = (plane * height + Math.floor(row / factor)) * width + Math.floor(column / factor);
    }
    return tensor(output, gather(data, at));
  },
};
