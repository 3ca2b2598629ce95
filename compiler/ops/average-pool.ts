/** `averagePool1d`, `averagePool2d` and `averagePool3d`: the means of windows along the last axes. */

import type { Manual, PrimitiveOp } from "./op.ts";
import { averageWindows } from "./reference/convolve.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt, refuseInts, refuseRank } from "./rules.ts";
import { type PoolName, windowAxes, windowedAxes, windowMixes, windowsOf } from "./windows.ts";

function averagePool<O extends PoolName>(name: O, layout: string, examples: Manual["examples"]): PrimitiveOp<O> {
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
    manual: {
      shapes: `[..., ${layout}] → [..., ${layout
        .split(", ")
        .map((axis) => `${axis} / stride`)
        .join(", ")}]`,
      source: `torch.nn.AvgPool${axes}d`,
      examples,
    },
    infer: (inputs, attributes, axisOf) => {
      const x = inputAt(inputs, 0);
      const refused = refuseInts(name, x, 0) ?? refuseRank(name, x, axes, `the last ${axes === 1 ? "axis" : `${axes} axes`}`);
      if (refused !== undefined) return refused;
      const last = windowedAxes(name, x, attributes, axisOf);
      return "code" in last ? last : { dtype: x.dtype, axes: [...x.axes.slice(0, -axes), ...last] };
    },
    mixes: (shapes, attributes) => windowMixes(name, shapes, attributes, false),
    flops: () => 0,
    reference: (inputs, attributes, output) => tensor(output, averageWindows(inputAt(inputs, 0), output, windowsOf(name, attributes))),
  };
}

export const averagePool1d = averagePool("averagePool1d", "T", [
  { given: { x: "[N, C, F]" }, makes: "[N, C, F / 2]", code: "x |> averagePool1d(2)" },
]);
export const averagePool2d = averagePool("averagePool2d", "H, W", [
  { given: { x: "[B, C, H, W]" }, makes: "[B, C, H / 2, W / 2]", code: "x |> averagePool2d(2)" },
]);
export const averagePool3d = averagePool("averagePool3d", "F, H, W", [
  {
    about: "pictures, not frames",
    given: { x: "[B, C, F, H, W]" },
    makes: "[B, C, F, H / 2, W / 2]",
    code: "x |> averagePool3d([1, 2, 2])",
  },
]);
