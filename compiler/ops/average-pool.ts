/** `averagePool1d`, `averagePool2d` and `averagePool3d`: the means of windows along the last axes. */

import type { PrimitiveOp } from "./op.ts";
import { averageWindows } from "./reference/convolve.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt, refuseInts, refuseRank } from "./rules.ts";
import { type PoolName, windowAxes, windowedAxes, windowMixes, windowsOf } from "./windows.ts";

function averagePool<O extends PoolName>(name: O, layout: string): PrimitiveOp<O> {
  const axes = windowAxes[name];
  return {
    signature: {
      name,
      inputs: [{ name: "x" }],
      attributes: [
        { name: "kernel", kind: { perAxis: [] } },
        { name: "stride", kind: { perAxis: ["kernel"] }, default: "kernel" },
      ],
      ownsWeights: false,
      doc: `The mean of each window of [..., ${layout}]; kernel and stride are one for all axes or a list of one an axis, and a stride of "kernel" sets window beside window. Places that are left over are dropped.`,
    },
    infer: (inputs, attributes) => {
      const x = inputAt(inputs, 0);
      const refused = refuseInts(name, x, 0) ?? refuseRank(name, x, axes, `the last ${axes === 1 ? "axis" : `${axes} axes`}`);
      if (refused !== undefined) return refused;
      const last = windowedAxes(name, x, attributes);
      return "code" in last ? last : { dtype: x.dtype, axes: [...x.axes.slice(0, -axes), ...last] };
    },
    mixes: (shapes, attributes) => windowMixes(name, shapes, attributes, false),
    flops: () => 0,
    reference: (inputs, attributes, output) =>
      tensor(output, averageWindows(inputAt(inputs, 0), output.shape, windowsOf(name, attributes))),
  };
}

export const averagePool1d = averagePool("averagePool1d", "T");
export const averagePool2d = averagePool("averagePool2d", "H, W");
export const averagePool3d = averagePool("averagePool3d", "F, H, W");
