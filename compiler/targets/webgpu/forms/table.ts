/** The form of each op on the device: a total table, so that an op without one does not compile. */

import type { OpName } from "../../../graph/op-names.ts";
import { inputAt } from "../../../ops/rules.ts";
import { moved, regroup } from "../layout/coordinates.ts";
import { type ElementForm, type Form, nameFor } from "./form.ts";
import { cosineOf, erfOf, geluOf, geluTanhOf, sigmoidOf, sineOf } from "./functions.ts";
import { after, cast, concat, embedding, gather, geglu, pad, rotary, sinusoid } from "./gathers.ts";

const kernel = { kind: "kernel" } as const;

const binary = (operator: string): ElementForm => ({
  kind: "element",
  write: ([left = "", right = ""]) => `(${left} ${operator} ${right})`,
});

const unary = (write: (x: string, ...rest: [type: string, reader: Parameters<ElementForm["write"]>[2]]) => string): ElementForm => ({
  kind: "element",
  write: ([x = ""], type, reader) => write(x, type, reader),
});

const table = {
  conv1d: kernel,
  conv2d: kernel,
  conv3d: kernel,
  convTranspose1d: kernel,
  convTranspose2d: kernel,
  convTranspose3d: kernel,
  convWeightGradient: kernel,
  averagePool1d: kernel,
  averagePool2d: kernel,
  averagePool3d: kernel,
  linear: kernel,
  matmul: kernel,
  attend: kernel,
  groupNorm: kernel,
  layerNorm: kernel,
  rmsNorm: kernel,
  softmax: kernel,
  sum: kernel,
  mean: kernel,
  max: kernel,
  maskedSoftmax: kernel,
  scatterAdd: kernel,

  add: binary("+"),
  sub: binary("-"),
  mul: binary("*"),
  div: binary("/"),

  exp: unary((x) => `exp(${x})`),
  relu: unary((x, type) => `max(${x}, ${type}(0.0))`),
  abs: unary((x) => `abs(${x})`),
  step: unary((x, type) => `select(${type}(0.0), ${type}(1.0), ${x} > ${type}(0.0))`),
  erf: unary((x, type, reader) => {
    reader.define(erfOf(type));
    return `${nameFor("erf", type)}(${x})`;
  }),
  // What WGSL's own gives for a negative number differs from driver to driver, and of a constant it does not compile.
  sqrt: unary((x, type) => `sqrt(max(${x}, ${type}(0.0)))`),
  // Likewise; what stands in for them is the least normal number of the type.
  log: unary((x, type) => `log(max(${x}, ${type}(${type === "f16" ? "6.1035156e-5" : "1.1754944e-38"})))`),
  // Of an angle so large that its turns lose their digits, the series would leave -1 to 1.
  sin: unary((x, type, reader) => {
    reader.define(sineOf(type));
    return `clamp(${nameFor("sine", type)}(${x}), ${type}(-1.0), ${type}(1.0))`;
  }),
  cos: unary((x, type, reader) => {
    reader.define(cosineOf(type));
    return `clamp(${nameFor("cosine", type)}(${x}, ${type}(0.0)), ${type}(-1.0), ${type}(1.0))`;
  }),
  sigmoid: unary(sigmoidOf),
  // Beyond 10 the result is 1 in f32, and some drivers overflow.
  tanh: unary((x, type) => `tanh(clamp(${x}, ${type}(-10.0), ${type}(10.0)))`),
  silu: unary((x, type) => `${x} * ${sigmoidOf(x, type)}`),
  gelu: {
    kind: "element",
    write: ([x = ""], type, reader, { attributes }) => (attributes.approximate === "tanh" ? geluTanhOf : geluOf)(x, type, reader),
  },
  quickGelu: unary((x, type) => `${x} * ${sigmoidOf(`1.702 * ${x}`, type)}`),

  reshape: { kind: "move", bijective: true, source: (at, _, shape) => regroup(at, shape) },
  transpose: {
    kind: "move",
    bijective: true,
    source: (at, { attributes }, shape) => shape.map((_, axis) => inputAt(at, attributes.permutation.indexOf(axis))),
  },
  broadcast: { kind: "move", bijective: false, source: (at, _, shape) => at.map((place, axis) => (shape[axis] === 1 ? [] : place)) },
  slice: {
    kind: "move",
    bijective: false,
    source: (at, { attributes: { axis: cut, start } }, shape) =>
      at.map((place, axis) => (axis === cut ? moved(place, inputAt(shape, axis), start) : place)),
  },
  upsample: {
    kind: "move",
    bijective: false,
    source: (at, { attributes: { factor } }, shape) =>
      at.map((place, axis) => (axis < at.length - 2 ? place : moved(place, inputAt(shape, axis), 0, factor))),
  },

  after,
  cast,
  concat,
  embedding,
  gather,
  geglu,
  pad,
  rotary,
  sinusoid,
} satisfies { readonly [O in OpName]: Form<O> };

/** The ops that are kernels of their own. */
export type KernelName = { [O in OpName]: (typeof table)[O]["kind"] extends "kernel" ? O : never }[OpName];

export function formOf(op: OpName): Form {
  return table[op];
}
