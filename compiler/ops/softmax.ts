/** `softmax`, and the masked one that directed attention lowers to. */

import { sizeOf } from "../graph/graph.ts";
import type { Floats, PrimitiveOp } from "./op.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { inputAt, lastAxes, refuseAxis, refuseInts, refuseRank } from "./rules.ts";

/** Softmax of the `length` elements from `start`, `step` apart, of which all from the `seen`-th on are masked. */
function softmaxRow(data: ArrayLike<number>, made: Floats, start: number, step: number, length: number, seen: number): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < seen; i++) largest = Math.max(largest, data[start + i * step] as number);
  let sum = 0;
  for (let i = 0; i < seen; i++) sum += Math.exp((data[start + i * step] as number) - largest);
  for (let i = 0; i < length; i++) {
    made[start + i * step] = i < seen ? Math.exp((data[start + i * step] as number) - largest) / sum : 0;
  }
}

export const softmax: PrimitiveOp<"softmax"> = {
  signature: {
    name: "softmax",
    inputs: [{ name: "x" }],
    attributes: [{ name: "axis", kind: "int" }],
    ownsWeights: false,
    doc: "exp(x) over its sum along one axis, counted from 0.",
  },
  manual: {
    shapes: "[...] → [...]",
    source: "torch.softmax",
    examples: [{ given: { x: "[N, S, C]" }, makes: "[N, S, C]", code: "softmax(x, axis: 2)" }],
  },
  infer: (inputs, attributes) => {
    const x = inputAt(inputs, 0);
    return refuseInts("softmax", x, 0) ?? refuseAxis("softmax", attributes.axis, x) ?? x;
  },
  mixes: (_, attributes) => [{ axis: attributes.axis }],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const axis = attributes.axis;
    const length = shape[axis] ?? 1;
    const step = sizeOf(shape.slice(axis + 1));
    const made = floatsFor(output);
    for (let outer = 0; outer < data.length; outer += length * step) {
      for (let inner = 0; inner < step; inner++) softmaxRow(data, made, outer + inner, step, length, length);
    }
    return tensor(output, made);
  },
};

/**
 * Row i of the last two axes [S, S] sees the columns 0 to i; the others come out as exactly 0, so that what is behind
 * them adds exactly nothing.
 */
export const maskedSoftmax: PrimitiveOp<"maskedSoftmax"> = {
  signature: {
    name: "maskedSoftmax",
    inputs: [{ name: "x" }],
    attributes: [],
    ownsWeights: false,
    doc: "Softmax along the last axis of [..., S, S], where row i sees the columns 0 to i.",
  },
  internal: true,
  infer: (inputs) => {
    const x = inputAt(inputs, 0);
    return refuseInts("maskedSoftmax", x, 0) ?? refuseRank("maskedSoftmax", x, 2, "rows and columns from the last two axes") ?? x;
  },
  mixes: (shapes) => lastAxes(shapes, 1),
  flops: () => 0,
  reference: (inputs, _attributes, output) => {
    const { data, shape } = inputAt(inputs, 0);
    const [rows = 1, columns = 1] = shape.slice(-2);
    const made = floatsFor(output);
    for (let row = 0; row < data.length / columns; row++) {
      softmaxRow(data, made, row * columns, 1, columns, Math.min(columns, (row % rows) + 1));
    }
    return tensor(output, made);
  },
};
