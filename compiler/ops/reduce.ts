/** `sum`, `mean` and `max` along one axis, which stays with size 1: their rows of the table, each made from a function on a run of numbers. */

import { plainAxis } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { PrimitiveOp } from "./op.ts";
import { rounded } from "./reference/tensor.ts";
import { inputAt, refuseAxis, refuseInts } from "./rules.ts";

type ReduceName = "sum" | "mean" | "max";

function reduction<O extends ReduceName>(name: O, doc: string, reduce: (run: Float64Array) => number): PrimitiveOp<O> {
  return {
    signature: { name, inputs: [{ name: "x" }], attributes: [{ name: "axis", kind: "int" }], ownsWeights: false, doc },
    manual: {
      shapes: "[..., n, ...] → [..., 1, ...]",
      source: `torch.${name === "max" ? "amax" : name} with keepdim=True`,
      examples: [{ given: { x: "[N, S, C]" }, makes: "[N, 1, C]", code: `${name}(x, axis: 1)` }],
    },
    infer: (inputs, { axis }) => {
      const x = inputAt(inputs, 0);
      const refused = refuseInts(name, x, 0) ?? refuseAxis(name, axis, x);
      return refused ?? { dtype: x.dtype, axes: x.axes.map((old, i) => (i === axis ? plainAxis(1) : old)) };
    },
    mixes: (_, { axis }) => [{ axis }],
    flops: () => 0,
    reference: (inputs, { axis }, output) => {
      const { data, shape } = inputAt(inputs, 0);
      const length = shape[axis] ?? 1;
      const step = sizeOf(shape.slice(axis + 1));
      const made = Array.from({ length: data.length / length }, (_, row) => {
        const start = Math.floor(row / step) * length * step + (row % step);
        return reduce(Float64Array.from({ length }, (_, i) => data[start + i * step] as number));
      });
      return rounded(output, made);
    },
  };
}

const total = (run: Float64Array): number => run.reduce((sum, x) => sum + x, 0);

export const sum = reduction("sum", "The sum along one axis, counted from 0, which stays with size 1 and so stretches again.", total);
export const mean = reduction(
  "mean",
  "The mean along one axis, counted from 0, which stays with size 1 and so stretches again.",
  (run) => total(run) / run.length,
);
export const max = reduction("max", "The largest along one axis, counted from 0, which stays with size 1 and so stretches again.", (run) =>
  run.reduce((largest, x) => Math.max(largest, x), Number.NEGATIVE_INFINITY),
);
