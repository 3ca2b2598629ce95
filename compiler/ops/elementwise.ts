/** Functions of one element: their rows of the table, each made from a function on numbers. */

import type { PrimitiveOp } from "./op.ts";
import { erf } from "./reference/erf.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt, refuseInts } from "./rules.ts";

const halfRoot = Math.SQRT1_2;

type ElementName = "sigmoid" | "tanh" | "exp" | "silu" | "quickGelu" | "gelu";

function elementwise<O extends ElementName>(name: O, doc: string, compute: (x: number) => number): PrimitiveOp<O> {
  return {
    signature: { name, inputs: [{ name: "x" }], attributes: [], ownsWeights: false, doc },
    infer: (inputs) => refuseInts(name, inputAt(inputs, 0), 0) ?? inputAt(inputs, 0),
    mixes: () => [],
    flops: () => 0,
    reference: (inputs, _attributes, output) => tensor(output, Float32Array.from(inputAt(inputs, 0).data, compute)),
  };
}

const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));

export function geluOf(x: number): number {
  return 0.5 * x * (1 + erf(x * halfRoot));
}

export const sigmoid = elementwise("sigmoid", "1 / (1 + exp(-x)), element by element.", sigmoidOf);
export const tanh = elementwise("tanh", "The hyperbolic tangent, element by element.", Math.tanh);
export const exp = elementwise("exp", "e to the power of x, element by element.", Math.exp);
export const silu = elementwise("silu", "x * sigmoid(x), element by element.", (x) => x * sigmoidOf(x));
export const quickGelu = elementwise(
  "quickGelu",
  "x * sigmoid(1.702 x), element by element: the form that CLIP was trained with.",
  (x) => x * sigmoidOf(1.702 * x),
);
export const gelu = elementwise("gelu", "0.5 x (1 + erf(x / sqrt 2)), element by element: exact, not the tanh form.", geluOf);
