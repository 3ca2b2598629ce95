/** Gradients of norms: x̂ and 1/σ are computed again from x, as keeping x̂ would keep a second tensor of its size. */

import type { ValueId } from "../graph/graph.ts";
import { sizeOf } from "../graph/graph.ts";
import { inputAt } from "../ops/rules.ts";
import { Arithmetic } from "./arithmetic.ts";
import type { GradientRule } from "./rule.ts";

/** What is normalised together, to its mean: of a shape that stretches to x's. */
type Mean = (of: ValueId) => ValueId;

/** x to mean 0 and variance 1. */
function normalised(
  math: Arithmetic,
  x: ValueId,
  mean: Mean,
  eps: number,
  centred: boolean,
): { readonly normal: ValueId; readonly scale: ValueId } {
  const deviation = centred ? math.sub(x, mean(x)) : x;
  const variance = mean(math.mul(deviation, deviation));
  const root = math.op("sqrt", math.plus(variance, eps));
  const scale = math.div(math.number(1, root), root);
  return { normal: math.mul(deviation, scale), scale };
}

/** (1/σ) (g - mean(g) - x̂ mean(g x̂)); of what is not centred the mean of g stays. */
function backward(math: Arithmetic, normal: ValueId, scale: ValueId, gradient: ValueId, mean: Mean, centred: boolean): ValueId {
  const along = mean(math.mul(gradient, normal));
  const even = centred ? math.sub(gradient, mean(gradient)) : gradient;
  return math.mul(math.sub(even, math.mul(normal, along)), scale);
}

/** Of a norm of the last axis: x, then the channels' scale, then their shift, where it has them. */
function lastAxisNorm<O extends "layerNorm" | "rmsNorm">(centred: boolean): GradientRule<O> {
  return (make, { inputs, gradient, wanted, attributes }) => {
    const math = new Arithmetic(make);
    const [x, weight] = [inputAt(inputs, 0), inputs[1]];
    const channels = math.shapeOf(x).length - 1;
    const mean: Mean = (of) => math.mean(of, channels);
    const { normal, scale } = normalised(math, x, mean, attributes.eps, centred);
    const scaled = () => (weight === undefined ? gradient : math.mul(gradient, math.alongAxis(weight, channels, channels + 1)));
    return [
      wanted[0] ? backward(math, normal, scale, scaled(), mean, centred) : undefined,
      wanted[1] ? math.sumAround(math.mul(gradient, normal), channels) : undefined,
      wanted[2] ? math.sumAround(gradient, channels) : undefined,
    ].slice(0, inputs.length);
  };
}

/** A group's mean at each of its channels: whatever else is made of pictures keeps their shape, and with it their layout on a device. */
function meanOfGroups(math: Arithmetic, shape: readonly number[], groups: number): Mean {
  const [channels, pictures] = [inputAt(shape, shape.length - 3), shape.slice(0, -3)];
  const rows = sizeOf(pictures) * groups;
  return (of) => {
    const means = math.mean(math.reshape(of, [rows, sizeOf(shape) / rows]), 1);
    return math.reshape(math.stretched(means, [rows, channels / groups]), [...pictures, channels, 1, 1]);
  };
}

export const normGradients = {
  layerNorm: lastAxisNorm(true),
  rmsNorm: lastAxisNorm(false),
  groupNorm: (make, { inputs, type: { shape }, gradient, wanted, attributes: { groups, eps } }) => {
    const math = new Arithmetic(make);
    const [x, weight] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const channels = shape.length - 3;
    const mean = meanOfGroups(math, shape, groups);
    const { normal, scale } = normalised(math, x, mean, eps, true);
    const scaled = () => math.mul(gradient, math.alongAxis(weight, channels, shape.length));
    return [
      wanted[0] ? backward(math, normal, scale, scaled(), mean, true) : undefined,
      wanted[1] ? math.sumAround(math.mul(gradient, normal), channels) : undefined,
      wanted[2] ? math.sumAround(gradient, channels) : undefined,
    ];
  },
} satisfies { readonly [O in "layerNorm" | "rmsNorm" | "groupNorm"]: GradientRule<O> };
