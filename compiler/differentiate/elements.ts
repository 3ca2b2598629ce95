/** Gradients of functions of one element, from whichever of x and the result is less to keep: what is kept for another op costs nothing. */

import { inputAt } from "../ops/rules.ts";
import { type Arithmetic, ofOne } from "./arithmetic.ts";
import type { GradientRule } from "./rule.ts";

type ElementName =
  | "silu"
  | "gelu"
  | "quickGelu"
  | "sigmoid"
  | "tanh"
  | "exp"
  | "log"
  | "relu"
  | "sqrt"
  | "sin"
  | "cos"
  | "abs"
  | "geglu"
  | "step"
  | "erf"
  | "cast";

/** σ(k x) + k x σ(k x) (1 - σ(k x)), of x σ(k x). */
function swishSlope(math: Arithmetic, x: number, k: number): number {
  const scaled = k === 1 ? x : math.times(x, k);
  const gate = math.op("sigmoid", scaled);
  return math.mul(gate, math.sub(math.plus(scaled, 1), math.mul(scaled, gate)));
}

/** Φ(x), the normal distribution's, and its slope times x. */
function normal(math: Arithmetic, x: number) {
  const below = math.plus(math.times(math.op("erf", math.times(x, Math.SQRT1_2)), 0.5), 0.5);
  const density = math.op("exp", math.times(math.mul(x, x), -0.5));
  return { below, rising: math.times(math.mul(x, density), 1 / Math.sqrt(2 * Math.PI)) };
}

/** sqrt(2 / pi), and the cube's share, as in `gelu` of the op table. */
const geluRoot = Math.sqrt(2 / Math.PI);
const geluCube = 0.044715;

/** Of 0.5 x (1 + tanh u): 0.5 (1 + tanh u) + 0.5 x (1 - tanh² u) u'. */
function geluTanhSlope(math: Arithmetic, x: number): number {
  const square = math.mul(x, x);
  const inner = math.mul(x, math.plus(math.times(square, geluRoot * geluCube), geluRoot));
  const wave = math.op("tanh", inner);
  const steep = math.plus(math.times(square, 3 * geluRoot * geluCube), geluRoot);
  const bent = math.mul(math.mul(x, math.from(1, math.mul(wave, wave))), steep);
  return math.times(math.add(math.plus(wave, 1), bent), 0.5);
}

export const elementGradients = {
  silu: ofOne((math, { x, gradient }) => math.mul(gradient, swishSlope(math, x, 1))),
  quickGelu: ofOne((math, { x, gradient }) => math.mul(gradient, swishSlope(math, x, 1.702))),
  gelu: ofOne((math, { x, gradient, attributes }) => {
    if (attributes.approximate === "tanh") return math.mul(gradient, geluTanhSlope(math, x));
    const { below, rising } = normal(math, x);
    return math.mul(gradient, math.add(below, rising));
  }),
  sigmoid: ofOne((math, { result, gradient }) => math.mul(gradient, math.mul(result, math.from(1, result)))),
  tanh: ofOne((math, { result, gradient }) => math.mul(gradient, math.from(1, math.mul(result, result)))),
  exp: ofOne((math, { result, gradient }) => math.mul(gradient, result)),
  log: ofOne((math, { x, gradient }) => math.div(gradient, x)),
  /** 0 at 0, as PyTorch has it. */
  relu: ofOne((math, { result, gradient }) => math.mul(gradient, math.op("step", result))),
  sqrt: ofOne((math, { result, gradient }) => math.div(math.times(gradient, 0.5), result)),
  sin: ofOne((math, { x, gradient }) => math.mul(gradient, math.op("cos", x))),
  cos: ofOne((math, { x, gradient }) => math.mul(gradient, math.times(math.op("sin", x), -1))),
  /** 0 at 0, as PyTorch has it. */
  abs: ofOne((math, { x, gradient }) => math.mul(gradient, math.sub(math.op("step", x), math.op("step", math.times(x, -1))))),
  /** Of a · b Φ(b), both halves of one axis. */
  geglu: ofOne((math, { x, gradient, type }) => {
    const axis = type.shape.length - 1;
    const half = inputAt(type.shape, axis);
    const [a, b] = [math.slice(x, axis, 0, half), math.slice(x, axis, half, half)];
    const { below, rising } = normal(math, b);
    const ofA = math.mul(gradient, math.mul(b, below));
    return math.concat([ofA, math.mul(math.mul(gradient, a), math.add(below, rising))], axis);
  }),
  step: () => [undefined],
  erf: ofOne((math, { x, gradient }) => {
    const bell = math.op("exp", math.times(math.mul(x, x), -1));
    return math.mul(gradient, math.times(bell, 2 / Math.sqrt(Math.PI)));
  }),
  cast: ofOne((math, { x, gradient }) => math.cast(gradient, x)),
} satisfies { readonly [O in ElementName]: GradientRule<O> };
