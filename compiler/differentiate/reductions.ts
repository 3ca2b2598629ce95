/** Gradients of what goes along an axis: sums, means, maxima, softmax, and the waves of a step's number. */

import { inputAt } from "../ops/rules.ts";
import { frequencies } from "../ops/sinusoid.ts";
import { type Arithmetic, ofOne } from "./arithmetic.ts";
import type { GradientRule } from "./rule.ts";

type ReductionName = "sum" | "mean" | "max" | "softmax" | "maskedSoftmax" | "sinusoid";

/** y (g - Σ g y); what is masked is 0 and stays so. */
function softmaxGradient(math: Arithmetic, result: number, gradient: number, axis: number): number {
  const weighed = math.mul(gradient, result);
  return math.sub(weighed, math.mul(result, math.sum(weighed, axis)));
}

export const reductionGradients = {
  sum: ofOne((math, { x, gradient }) => math.stretched(gradient, math.shapeOf(x))),
  mean: ofOne((math, { x, gradient, attributes: { axis } }) => {
    const shape = math.shapeOf(x);
    return math.stretched(math.times(gradient, 1 / inputAt(shape, axis)), shape);
  }),
  /** Elements that are the largest together share the gradient evenly, as in PyTorch's `amax`. */
  max: ofOne((math, { x, result, gradient, attributes: { axis } }) => {
    const isLargest = math.from(1, math.op("step", math.sub(result, x)));
    return math.mul(isLargest, math.div(gradient, math.sum(isLargest, axis)));
  }),
  softmax: ofOne((math, { result, gradient, attributes: { axis } }) => softmaxGradient(math, result, gradient, axis)),
  maskedSoftmax: ofOne((math, { result, type, gradient }) => softmaxGradient(math, result, gradient, type.shape.length - 1)),
  /** The slope of a cosine is minus the sine that stands in the other half, and of that the cosine. */
  sinusoid: ofOne((math, { x, result, gradient, attributes }) => {
    const half = attributes.width / 2;
    const swapped = math.concat([math.slice(result, 1, half, half), math.slice(result, 1, 0, half)], 1);
    const rates = frequencies(attributes);
    const back = rates.map((rate) => -rate);
    const slopes = math.row(attributes.order === "cos-sin" ? [...back, ...rates] : [...rates, ...back], result);
    const summed = math.sum(math.mul(gradient, math.mul(swapped, slopes)), 1);
    return math.reshape(math.cast(summed, x), math.shapeOf(x));
  }),
} satisfies { readonly [O in ReductionName]: GradientRule<O> };
