/** `gather`: one axis of a value taken at indices, whose axes stand in its place. */

import { showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { Mix, PrimitiveOp } from "./op.ts";
import { arrayFor, tensor } from "./reference/tensor.ts";
import { inputAt, refuseAxis } from "./rules.ts";

export const gather: PrimitiveOp<"gather"> = {
  signature: {
    name: "gather",
    inputs: [{ name: "x" }, { name: "indices" }],
    attributes: [{ name: "axis", kind: "int", default: 0 }],
    ownsWeights: false,
    doc: "Takes the elements of one axis at i32 indices, counted from 0: that axis of x, counted from 0, becomes all axes of the indices.",
  },
  infer: (inputs, { axis }) => {
    const [x, indices] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    if (indices.dtype !== "i32") {
      const message = `\`gather\` takes indices of i32, but the value is float ${showAxes(indices.axes)}`;
      return { code: "wrong-dtype", message, at: { input: 1 } };
    }
    return refuseAxis("gather", axis, x) ?? { dtype: x.dtype, axes: x.axes.toSpliced(axis, 1, ...indices.axes) };
  },
  mixes: (shapes, { axis }) => mixes(inputAt(shapes, 0).length, inputAt(shapes, 1).length, axis),
  flops: () => 0,
  reference: (inputs, { axis }, output) => {
    const [x, indices] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const [count, row] = [x.shape[axis] ?? 1, sizeOf(x.shape.slice(axis + 1))];
    const made = arrayFor(output);
    let at = 0;
    for (let outer = 0; outer < sizeOf(x.shape.slice(0, axis)); outer++) {
      for (const index of indices.data) {
        if (index < 0 || index >= count) throw new Error(`interpreter: index ${index} is not in an axis of ${count}`);
        const from = (outer * count + index) * row;
        made.set(x.data.subarray(from, from + row), at);
        at += row;
      }
    }
    return tensor(output, made);
  },
};

/** Besides the axis that is looked up, those that do not stand where they stood: of x behind it, of the indices wherever it is not the first. */
function mixes(rank: number, indexRank: number, axis: number): readonly Mix[] {
  const behind = Array.from({ length: rank - 1 + indexRank - axis }, (_, i) => ({ axis: axis + i, inputs: [0] }));
  const moved = axis === 0 ? [] : Array.from({ length: indexRank }, (_, i) => ({ axis: i, inputs: [1] }));
  return [...(indexRank === 1 ? behind.slice(0, 1) : behind), ...moved];
}
