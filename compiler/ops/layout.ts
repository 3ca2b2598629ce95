/** `reshape`, `transpose` and `broadcast`: the same elements in another shape, another order, or repeated. */

import { plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { AxisType, PrimitiveOp } from "./op.ts";
import { gather, offsets, stridesOf, tensor } from "./reference/tensor.ts";
import { inputAt } from "./rules.ts";

function elements(type: AxisType): number {
  return sizeOf(type.axes.map((axis) => axis.size));
}

export const reshape: PrimitiveOp<"reshape"> = {
  signature: {
    name: "reshape",
    inputs: [{ name: "x" }],
    attributes: [{ name: "shape", kind: "ints" }],
    ownsWeights: false,
    doc: "The same elements in another shape.",
  },
  internal: true,
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    const shape = attributes.shape;
    if (sizeOf(shape) === elements(x)) return { dtype: x.dtype, axes: shape.map(plainAxis) };
    const message = `\`reshape\` keeps all elements, but ${showAxes(x.axes)} has ${elements(x)} and [${shape.join(", ")}] has ${sizeOf(shape)}`;
    return { code: "shape-mismatch", message, at: { attribute: "shape" } };
  },
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, _attributes, output) => tensor(output, inputAt(inputs, 0).data),
};

export const transpose: PrimitiveOp<"transpose"> = {
  signature: {
    name: "transpose",
    inputs: [{ name: "x" }],
    attributes: [{ name: "permutation", kind: "ints" }],
    ownsWeights: false,
    doc: "The axes in another order: axis i of the result is axis permutation[i] of x.",
  },
  internal: true,
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    const permutation = attributes.permutation;
    const sorted = [...permutation].sort((a, b) => a - b);
    if (sorted.length === x.axes.length && sorted.every((axis, i) => axis === i)) {
      return { dtype: x.dtype, axes: permutation.map((axis) => inputAt(x.axes, axis)) };
    }
    const message = `\`transpose\` takes each of the ${x.axes.length} axes of ${showAxes(x.axes)} once, but the permutation is [${permutation.join(", ")}]`;
    return { code: "bad-attribute", message, at: { attribute: "permutation" } };
  },
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const strides = stridesOf(shape);
    const moved = attributes.permutation.map((axis) => strides[axis] ?? 0);
    return tensor(output, gather(data, offsets(output.shape, moved)));
  },
};

export const broadcast: PrimitiveOp<"broadcast"> = {
  signature: {
    name: "broadcast",
    inputs: [{ name: "x" }],
    attributes: [{ name: "shape", kind: "ints" }],
    ownsWeights: false,
    doc: "Repeats along the axes of size 1 until the shape is reached.",
  },
  internal: true,
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    const shape = attributes.shape;
    const fits = shape.length === x.axes.length && x.axes.every((axis, i) => axis.size === 1 || axis.size === shape[i]);
    if (fits) return { dtype: x.dtype, axes: x.axes.map((axis, i) => (axis.size === shape[i] ? axis : plainAxis(inputAt(shape, i)))) };
    const message = `\`broadcast\` stretches axes of size 1 only, but ${showAxes(x.axes)} does not stretch to [${shape.join(", ")}]`;
    return { code: "shape-mismatch", message, at: { attribute: "shape" } };
  },
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, _attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const strides = stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
    return tensor(output, gather(data, offsets(output.shape, strides)));
  },
};
