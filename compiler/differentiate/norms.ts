/** Gradients of norms: x̂ and 1/σ are computed again from x, as keeping x̂ would keep a second tensor of its size. */

import type { ValueId } from "../graph/graph.ts";
import { sizeOf } from "../graph/graph.ts";
import { inputAt } from "../ops/rules.ts";
import { Arithmetic } from "./arithmetic.ts";
import type { GradientRule } from "./rule.ts";

/** The last axis to mean 0 and variance 1. */
function normalised(math: Arithmetic, rows: ValueId, eps: number, centred: boolean): { readonly normal: ValueId; readonly scale: ValueId } {
  const axis = math.shapeOf(rows).length - 1;
  const deviation = centred ? math.sub(rows, math.mean(rows, axis)) : rows;
  const variance = math.mean(math.mul(deviation, deviation), axis);
  const root = math.op("sqrt", math.plus(variance, eps));
  const scale = math.div(math.number(1, root), root);
  return { normal: math.mul(deviation, scale), scale };
}

/** (1/σ) (g - mean(g) - x̂ mean(g x̂)) along the last axis; of what is not centred the mean of g stays. */
function backward(math: Arithmetic, normal: ValueId, scale: ValueId, gradient: ValueId, centred: boolean): ValueId {
  const axis = math.shapeOf(normal).length - 1;
  const along = math.mean(math.mul(gradient, normal), axis);
  const even = centred ? math.sub(gradient, math.mean(gradient, axis)) : gradient;
  return math.mul(math.sub(even, math.mul(normal, along)), scale);
}

/** Of a norm of the last axis: x, then the channels' scale, then their shift, where it has them. */
function lastAxisNorm<O extends "layerNorm" | "rmsNorm">(centred: boolean): GradientRule<O> {
  return (make, { inputs, gradient, wanted, attributes }) => {
    const math = new Arithmetic(make);
    const [x, weight] = [inputAt(inputs, 0), inputs[1]];
    const channels = math.shapeOf(x).length - 1;
    const { normal, scale } = normalised(math, x, attributes.eps, centred);
    const scaled = () => (weight === undefined ? gradient : math.mul(gradient, math.alongAxis(weight, channels, channels + 1)));
    return [
      wanted[0] ? backward(math, normal, scale, scaled(), centred) : undefined,
      wanted[1] ? math.sumAround(math.mul(gradient, normal), channels) : undefined,
      wanted[2] ? math.sumAround(gradient, channels) : undefined,
    ].slice(0, inputs.length);
  };
}

export const normGradients = {
  layerNorm: lastAxisNorm(true),
  rmsNorm: lastAxisNorm(false),
  groupNorm: (make, { inputs, type: { shape }, gradient, wanted, attributes: { groups, eps } }) => {
    const math = new Arithmetic(make);
    const [x, weight] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const channels = shape.length - 3;
    const row = sizeOf(shape.slice(channels)) / groups;
    const rows = [sizeOf(shape) / row, row];
    const { normal, scale } = normalised(math, math.reshape(x, rows), eps, true);
    const scaled = () => math.mul(gradient, math.alongAxis(weight, channels, shape.length));
    return [
      wanted[0] ? math.reshape(backward(math, normal, scale, math.reshape(scaled(), rows), true), shape) : undefined,
      wanted[1] ? math.sumAround(math.mul(gradient, math.reshape(normal, shape)), channels) : undefined,
      wanted[2] ? math.sumAround(gradient, channels) : undefined,
    ];
  },
} satisfies { readonly [O in "layerNorm" | "rmsNorm" | "groupNorm"]: GradientRule<O> };
