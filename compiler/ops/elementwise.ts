/** Functions of one element: their rows of the table, made from a function on numbers and the nodes that compute it. */

import type { DType } from "../graph/graph.ts";
import type { OnnxWriter } from "../targets/onnx/writer.ts";
import { type ElementReader, erfOf, nameFor, sigmoidOf as sigmoidWgsl } from "../targets/webgpu/kernels/form.ts";
import type { PrimitiveOp } from "./op.ts";
import { erf } from "./reference/erf.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt, refuseInts } from "./rules.ts";

const halfRoot = Math.SQRT1_2;

type Emit = (writer: OnnxWriter, x: string, dtype: DType) => string;

type Write = (x: string, type: string, reader: ElementReader) => string;

function elementwise(name: string, doc: string, compute: (x: number) => number, emit: Emit, write: Write): PrimitiveOp {
  return {
    signature: { name, inputs: [{ name: "x" }], attributes: [], ownsWeights: false, doc },
    infer: (inputs) => refuseInts(name, inputAt(inputs, 0), 0) ?? inputAt(inputs, 0),
    mixes: () => [],
    flops: () => 0,
    reference: (inputs, _attributes, output) => tensor(output, Float32Array.from(inputAt(inputs, 0).data, compute)),
    wgsl: { kind: "element", write: (inputs, type, reader) => write(inputAt(inputs, 0), type, reader) },
    onnx: (writer, inputs, value) => emit(writer, inputAt(inputs, 0), value.type.dtype),
  };
}

const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));

export const sigmoid = elementwise(
  "sigmoid",
  "1 / (1 + exp(-x)), element by element.",
  sigmoidOf,
  (writer, x) => writer.node("Sigmoid", [x]),
  sigmoidWgsl,
);

export const tanh = elementwise(
  "tanh",
  "The hyperbolic tangent, element by element.",
  Math.tanh,
  (writer, x) => writer.node("Tanh", [x]),
  // Beyond 10 the result is 1 in f32, and some drivers overflow.
  (x, type) => `tanh(clamp(${x}, ${type}(-10.0), ${type}(10.0)))`,
);

export const exp = elementwise(
  "exp",
  "e to the power of x, element by element.",
  Math.exp,
  (writer, x) => writer.node("Exp", [x]),
  (x) => `exp(${x})`,
);

/** ONNX Runtime fuses the two nodes into one pass. */
export const silu = elementwise(
  "silu",
  "x * sigmoid(x), element by element.",
  (x) => x * sigmoidOf(x),
  (writer, x) => writer.node("Mul", [x, writer.node("Sigmoid", [x])]),
  (x, type) => `${x} * ${sigmoidWgsl(x, type)}`,
);

export const quickGelu = elementwise(
  "quickGelu",
  "x * sigmoid(1.702 x), element by element: the form that CLIP was trained with.",
  (x) => x * sigmoidOf(1.702 * x),
  (writer, x, dtype) => writer.node("Mul", [x, writer.node("Sigmoid", [writer.node("Mul", [x, writer.scalar(1.702, dtype)])])]),
  (x, type) => `${x} * ${sigmoidWgsl(`1.702 * ${x}`, type)}`,
);

export function geluOf(x: number): number {
  return 0.5 * x * (1 + erf(x * halfRoot));
}

export function geluWgsl(x: string, type: string, reader: ElementReader): string {
  reader.define(erfOf(type));
  return `0.5 * ${x} * (1.0 + ${nameFor("erf", type)}(${x} * 0.70710678118654752))`;
}

export const gelu = elementwise(
  "gelu",
  "0.5 x (1 + erf(x / sqrt 2)), element by element: exact, not the tanh form.",
  geluOf,
  (writer, x) => writer.node("Gelu", [x]),
  geluWgsl,
);
