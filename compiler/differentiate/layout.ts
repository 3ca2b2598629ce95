/** Gradients of ops that move elements, leave some out, repeat or look them up: the same moves backwards, sums where one element went to several places. */

import { startsOf } from "../ops/concat.ts";
import { inputAt } from "../ops/rules.ts";
import { Arithmetic, ofOne } from "./arithmetic.ts";
import type { GradientRule } from "./rule.ts";

type LayoutName =
  | "after"
  | "reshape"
  | "transpose"
  | "broadcast"
  | "slice"
  | "pad"
  | "concat"
  | "upsample"
  | "gather"
  | "embedding"
  | "scatterAdd";

export const layoutGradients = {
  after: (_, { gradient }) => [gradient, undefined],
  reshape: ofOne((math, { x, gradient }) => math.reshape(gradient, math.shapeOf(x))),
  transpose: ofOne((math, { gradient, attributes: { permutation } }) =>
    math.transpose(
      gradient,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ),
  broadcast: ofOne((math, { x, gradient }) => math.sumTo(gradient, math.shapeOf(x))),
  slice: ofOne((math, { x, gradient, attributes: { axis, start, size } }) =>
    math.pad(gradient, axis, start, inputAt(math.shapeOf(x), axis) - start - size),
  ),
  pad: ofOne((math, { x, gradient, attributes: { axis, before } }) => math.slice(gradient, axis, before, inputAt(math.shapeOf(x), axis))),
  concat: (make, { inputs, gradient, wanted, attributes: { axis } }) => {
    const math = new Arithmetic(make);
    const sizes = inputs.map((id) => inputAt(math.shapeOf(id), axis));
    const starts = startsOf(sizes);
    return inputs.map((_, i) => (wanted[i] ? math.slice(gradient, axis, inputAt(starts, i), inputAt(sizes, i)) : undefined));
  },
  /** The sum over each pixel's copies, from their mean. */
  upsample: ofOne((math, { gradient, attributes: { factor } }) => {
    if (factor === 1) return gradient;
    return math.times(math.averagePool(gradient, factor), factor * factor);
  }),
  gather: (make, { inputs, gradient, attributes: { axis } }) => {
    const [x, indices] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    return [make.op("scatterAdd", [gradient, indices], { axis, size: inputAt(make.typeOf(x).shape, axis) }), undefined];
  },
  embedding: (make, { inputs, gradient, attributes: { vocabulary } }) => {
    return [undefined, make.op("scatterAdd", [gradient, inputAt(inputs, 0)], { axis: 0, size: vocabulary })];
  },
  scatterAdd: (make, { inputs, gradient, attributes: { axis } }) => {
    return [make.op("gather", [gradient, inputAt(inputs, 1)], { axis }), undefined];
  },
} satisfies { readonly [O in LayoutName]: GradientRule<O> };
