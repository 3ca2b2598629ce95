/** Gradients of matrix products: of each operand a product with the other, turned. */

import { sizeOf, type ValueId } from "../graph/graph.ts";
import { inputAt } from "../ops/rules.ts";
import { Arithmetic } from "./arithmetic.ts";
import type { GradientRule } from "./rule.ts";

/** aᵀ b, as the product that turns the narrower of the two: engines take apart what is turned number by number, and go along the other by whole vectors. */
function overRows(math: Arithmetic, a: ValueId, b: ValueId): ValueId {
  const width = (id: ValueId) => math.shapeOf(id).at(-1) ?? 1;
  return width(a) <= width(b) ? math.matmul(math.turned(a), b) : math.turned(math.matmul(math.turned(b), a));
}

export const productGradients = {
  matmul: (make, { inputs, gradient, wanted }) => {
    const math = new Arithmetic(make);
    const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    return [wanted[0] ? math.matmul(gradient, math.turned(b)) : undefined, wanted[1] ? overRows(math, a, gradient) : undefined];
  },
  /** Of y = x Wᵀ + b over rows: g W, gᵀ x and the rows' sum of g. */
  linear: (make, { inputs, gradient, wanted }) => {
    const math = new Arithmetic(make);
    const [x, weight] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const shape = math.shapeOf(x);
    const [out = 1, width = 1] = math.shapeOf(weight);
    const rows = sizeOf(shape) / width;
    const flat = math.reshape(gradient, [rows, out]);
    return [
      wanted[0] ? math.reshape(math.matmul(flat, weight), shape) : undefined,
      wanted[1] ? overRows(math, flat, math.reshape(x, [rows, width])) : undefined,
      wanted[2] ? math.reshape(math.sum(flat, 0), [out]) : undefined,
    ].slice(0, inputs.length);
  },
} satisfies { readonly [O in "matmul" | "linear"]: GradientRule<O> };
