/** Gradients of the four operators, each summed over what its operand was stretched along. */

import { inputAt } from "../ops/rules.ts";
import { Arithmetic } from "./arithmetic.ts";
import type { Differentiated, GradientRule } from "./rule.ts";

type OperatorName = "add" | "sub" | "mul" | "div";

type Operands = Differentiated<OperatorName> & { readonly left: number; readonly right: number };

/** `left` and `right` give ∂loss/∂operand as the result's elements have it. */
function ofTwo<O extends OperatorName>(
  left: (math: Arithmetic, op: Operands) => number,
  right: (math: Arithmetic, op: Operands) => number,
): GradientRule<O> {
  return (make, op) => {
    const math = new Arithmetic(make);
    const operands = { ...op, left: inputAt(op.inputs, 0), right: inputAt(op.inputs, 1) };
    return [left, right].map((rule, i) =>
      op.wanted[i] ? math.sumTo(rule(math, operands), math.shapeOf(inputAt(op.inputs, i))) : undefined,
    );
  };
}

export const operatorGradients = {
  add: ofTwo(
    (_, { gradient }) => gradient,
    (_, { gradient }) => gradient,
  ),
  sub: ofTwo(
    (_, { gradient }) => gradient,
    (math, { gradient }) => math.times(gradient, -1),
  ),
  mul: ofTwo(
    (math, { gradient, right }) => math.mul(gradient, right),
    (math, { gradient, left }) => math.mul(gradient, left),
  ),
  div: ofTwo(
    (math, { gradient, right }) => math.div(gradient, right),
    (math, { gradient, result, right }) => math.times(math.mul(math.div(gradient, right), result), -1),
  ),
} satisfies { readonly [O in OperatorName]: GradientRule<O> };
