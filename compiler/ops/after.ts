/** `after`: a value as it is, but not before another is there: what is computed from it again is computed late. */

import type { PrimitiveOp } from "./op.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt } from "./rules.ts";

export const after: PrimitiveOp<"after"> = {
  signature: {
    name: "after",
    inputs: [{ name: "x" }, { name: "gate" }],
    attributes: [],
    ownsWeights: false,
    doc: "x as it is, once `gate`, of any type, has been computed.",
  },
  internal: true,
  infer: (inputs) => inputAt(inputs, 0),
  /** Nothing of the gate is in the result, wherever that stands. */
  mixes: (shapes) => inputAt(shapes, 0).map((_, axis) => ({ axis, inputs: [1] })),
  flops: () => 0,
  reference: (inputs, _attributes, output) => tensor(output, inputAt(inputs, 0).data),
};
