/** `matmul`: batches of matrices to their products. */

import { showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { AxisType, PrimitiveOp, ShapeProblem } from "./op.ts";
import { product } from "./reference/product.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { axisFromEnd, countAxes, inputAt, lastAxes, refuseDtypes, refuseInts, refuseMisplaced, refuseRank } from "./rules.ts";

function infer(inputs: readonly AxisType[]): AxisType | ShapeProblem {
  const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  const refused =
    refuseInts("matmul", a, 0) ??
    refuseDtypes("matmul", a, b, 1) ??
    refuseRank("matmul", a, 2, "rows and columns from the last two axes") ??
    refuseRank("matmul", b, 2, "rows and columns from the last two axes", 1);
  if (refused !== undefined) return refused;
  if (a.axes.length !== b.axes.length) {
    const message = `\`matmul\` needs values with as many axes, but the first has ${countAxes(a)} and the second ${countAxes(b)}`;
    return { code: "wrong-rank", message, at: { input: 1 } };
  }
  for (const [i, axis] of a.axes.slice(0, -2).entries()) {
    const other = inputAt(b.axes, i);
    if (axis.size === other.size) continue;
    const message = `\`matmul\` needs equal leading axes, but axis ${i} is ${axis.size} in ${showAxes(a.axes)} and ${other.size} in ${showAxes(b.axes)}`;
    return { code: "shape-mismatch", message, at: { input: 1 } };
  }
  const [inner, rows] = [axisFromEnd(a, 1), axisFromEnd(b, 2)];
  if (inner.size === rows.size) {
    const [left, right] = [a.axes.slice(0, -2), b.axes.slice(0, -2)];
    const misplaced = refuseMisplaced(
      () => `\`matmul\` sums over an axis that both values have, but they are ${showAxes(a.axes)} and ${showAxes(b.axes)}`,
      [...left, inner, axisFromEnd(a, 2)],
      [...right, rows, axisFromEnd(b, 1)],
      { input: 1 },
      left.length + 1,
    );
    return misplaced ?? { dtype: a.dtype, axes: [...a.axes.slice(0, -1), axisFromEnd(b, 1)] };
  }
  const message = `\`matmul\` sums over the last axis of the first value, ${inner.size} (${inner.name}), and the last but one of the second, ${rows.size} (${rows.name}), which must be equal`;
  return { code: "shape-mismatch", message, at: { input: 1 } };
}

export const matmul: PrimitiveOp<"matmul"> = {
  signature: {
    name: "matmul",
    inputs: [{ name: "a" }, { name: "b" }],
    attributes: [],
    ownsWeights: false,
    doc: "Multiplies the matrices [..., M, K] with [..., K, N] to [..., M, N]; the leading axes are equal.",
  },
  manual: {
    shapes: "[..., M, K], [..., K, N] → [..., M, N]",
    source: "torch.matmul, without broadcasting",
    examples: [{ given: { a: "[B, S, C]", b: "[B, C, T]" }, makes: "[B, S, T]", code: "matmul(a, b)" }],
  },
  infer,
  mixes: (shapes) => lastAxes(shapes, 2).map(({ axis }, i) => ({ axis, inputs: [1 - i] })),
  flops: (inputs, output) => 2 * sizeOf(output.shape) * (inputAt(inputs, 0).shape.at(-1) ?? 1),
  reference: (inputs, _attributes, output) => {
    const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const [rows = 1, inner = 1] = a.shape.slice(-2);
    const columns = b.shape.at(-1) ?? 1;
    const made = floatsFor(output);
    for (let batch = 0; batch < made.length / (rows * columns); batch++) {
      const [left, right] = [
        { data: a.data, start: batch * rows * inner },
        { data: b.data, start: batch * inner * columns },
      ];
      product(left, right, made, batch * rows * columns, rows, inner, columns);
    }
    return tensor(output, made);
  },
};
