/** `cast`: the same numbers in another dtype. */

import type { DType } from "../graph/graph.ts";
import type { PrimitiveOp } from "./op.ts";
import { mapped, rounded } from "./reference/tensor.ts";
import { inputAt } from "./rules.ts";

const dtypes: readonly DType[] = ["f32", "f16", "i32"];

export const cast: PrimitiveOp<"cast"> = {
  signature: {
    name: "cast",
    inputs: [{ name: "x" }],
    attributes: [{ name: "to", kind: { oneOf: dtypes } }],
    ownsWeights: false,
    doc: "The same numbers in another dtype; to i32 the fraction is cut off.",
  },
  internal: true,
  infer: (inputs, attributes) => ({ dtype: attributes.to, axes: inputAt(inputs, 0).axes }),
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, _attributes, output) => {
    const { data } = inputAt(inputs, 0);
    return output.dtype === "i32" ? mapped(output, data, Math.trunc) : rounded(output, data);
  },
};
