/** `upsample`: each pixel repeated. */

import { moved } from "../targets/webgpu/plan/coordinates.ts";
import { intOf } from "./attributes.ts";
import type { PrimitiveOp } from "./op.ts";
import { gather, tensor } from "./reference/tensor.ts";
import { axisFromEnd, derivedAxis, inputAt, lastAxes, refuseBelow, refuseInts, refuseRank } from "./rules.ts";

export const upsample: PrimitiveOp = {
  signature: {
    name: "upsample",
    inputs: [{ name: "x" }],
    attributes: [{ name: "factor", kind: "int" }],
    ownsWeights: false,
    doc: "Repeats each pixel of [..., H, W] `factor` times both ways: the nearest neighbour.",
  },
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    const factor = intOf(attributes, "factor");
    const refused =
      refuseInts("upsample", x, 0) ??
      refuseRank("upsample", x, 2, "height and width from the last two axes") ??
      refuseBelow("upsample", "factor", factor, 1);
    if (refused !== undefined) return refused;
    if (factor === 1) return x;
    const grown = [axisFromEnd(x, 2), axisFromEnd(x, 1)].map((axis) => derivedAxis(axis, "*", factor));
    return { dtype: x.dtype, axes: [...x.axes.slice(0, -2), ...grown] };
  },
  mixes: (shapes) => lastAxes(shapes, 2),
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const factor = intOf(attributes, "factor");
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
  wgsl: {
    kind: "move",
    whole: false,
    source: (at, op, shape) => {
      const factor = intOf(op.attributes, "factor");
      return at.map((place, axis) => (axis < at.length - 2 ? place : moved(place, inputAt(shape, axis), 0, factor)));
    },
  },
  onnx: (writer, inputs, value, types) => {
    const factor = intOf(value.attributes, "factor");
    const { shape } = inputAt(types, 0);
    // Of rank 4 where there are channels: ONNX Runtime spreads Resize over them.
    const images = shape.length > 2 ? shape.slice(-3) : [1, ...shape];
    const pictures = writer.reshape(inputAt(inputs, 0), shape, [-1, ...images]);
    const scales = writer.constant("f32", [4], [1, 1, factor, factor]);
    const attributes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const made = writer.node("Resize", [pictures, "", scales], attributes);
    return writer.reshape(made, [-1, images[0] ?? 1, ...value.type.shape.slice(-2)], value.type.shape);
  },
};
