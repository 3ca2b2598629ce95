/** `scatterAdd`: the transpose of `gather`, which adds what lies at equal indices. */

import { plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { AxisType, Mix, PrimitiveOp, ShapeProblem } from "./op.ts";
import { rounded } from "./reference/tensor.ts";
import { inputAt, refuseBelow, refuseInts } from "./rules.ts";

function infer(values: AxisType, indices: AxisType, axis: number, size: number): AxisType | ShapeProblem {
  const refused = refuseInts("scatterAdd", values, 0) ?? refuseBelow("scatterAdd", "size", size, 1);
  if (refused !== undefined) return refused;
  if (indices.dtype !== "i32") {
    const message = `\`scatterAdd\` takes indices of i32, but the value is float ${showAxes(indices.axes)}`;
    return { code: "wrong-dtype", message, at: { input: 1 } };
  }
  const along = values.axes.slice(axis, axis + indices.axes.length);
  if (along.length === indices.axes.length && along.every((one, i) => one.size === indices.axes[i]?.size)) {
    return { dtype: values.dtype, axes: values.axes.toSpliced(axis, along.length, plainAxis(size)) };
  }
  const message = `\`scatterAdd\` needs the axes of its indices, ${showAxes(indices.axes)}, from axis ${axis} of ${showAxes(values.axes)} on`;
  return { code: "shape-mismatch", message, at: { input: 1 } };
}

export const scatterAdd: PrimitiveOp<"scatterAdd"> = {
  signature: {
    name: "scatterAdd",
    inputs: [{ name: "values" }, { name: "indices" }],
    attributes: [
      { name: "axis", kind: "int" },
      { name: "size", kind: "int" },
    ],
    ownsWeights: false,
    doc: "Adds each element of [..., (the indices' axes), ...] to the place that its i32 index names on an axis of `size`, [..., size, ...]; places that no index names are 0.",
  },
  internal: true,
  infer: (inputs, { axis, size }) => infer(inputAt(inputs, 0), inputAt(inputs, 1), axis, size),
  mixes: (shapes, { axis }) => mixes(inputAt(shapes, 0).length, inputAt(shapes, 1).length, axis),
  flops: () => 0,
  reference: (inputs, { axis, size }, output) => {
    const [values, indices] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const row = sizeOf(output.shape.slice(axis + 1));
    const sums = new Float64Array(sizeOf(output.shape));
    let at = 0;
    for (let outer = 0; outer < sizeOf(output.shape.slice(0, axis)); outer++) {
      for (const index of indices.data) {
        if (index < 0 || index >= size) throw new Error(`interpreter: index ${index} is not in an axis of ${size}`);
        const to = (outer * size + index) * row;
        for (let i = to; i < to + row; i++) sums[i] = (sums[i] as number) + (values.data[at++] as number);
      }
    }
    return rounded(output, sums);
  },
};

/** Of the values, the axis that is added up, and those behind it unless they stand where they stood; of the indices, whatever of the result has a place of theirs. */
function mixes(rank: number, indexRank: number, axis: number): readonly Mix[] {
  const behind = Array.from({ length: indexRank === 1 ? 1 : rank + 1 - indexRank - axis }, (_, i) => ({ axis: axis + i, inputs: [0] }));
  return [...behind, ...Array.from({ length: Math.min(indexRank, rank + 1 - indexRank) }, (_, i) => ({ axis: i, inputs: [1] }))];
}
