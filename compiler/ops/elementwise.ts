/** Functions of one element: their rows of the table, each made from a function on numbers. */

import type { OpName } from "../graph/op-names.ts";
import type { AxisType, Manual, PrimitiveOp } from "./op.ts";
import { erf as erfNumber } from "./reference/erf.ts";
import { mapped } from "./reference/tensor.ts";
import { inputAt, refuseInts } from "./rules.ts";

const halfRoot = Math.SQRT1_2;

type ElementName = "sigmoid" | "tanh" | "exp" | "log" | "relu" | "sqrt" | "sin" | "cos" | "abs" | "silu" | "quickGelu";

/** What every row here has, whatever function of the element it is. */
function ofElements<O extends OpName>(name: O) {
  return {
    infer: (inputs: readonly AxisType[]) => refuseInts(name, inputAt(inputs, 0), 0) ?? inputAt(inputs, 0),
    mixes: () => [],
    flops: () => 0,
  };
}

type InternalName = "step" | "erf";

/** What no source calls: gradients are made of it. */
function internal<O extends InternalName>(name: O, doc: string, compute: (x: number) => number): PrimitiveOp<O> {
  return {
    ...ofElements(name),
    internal: true,
    signature: { name, inputs: [{ name: "x" }], attributes: [], ownsWeights: false, doc },
    reference: (inputs, _attributes, output) => mapped(output, inputAt(inputs, 0).data, compute),
  };
}

/** `source` is PyTorch's name. */
function elementwise<O extends ElementName>(name: O, source: string, doc: string, compute: (x: number) => number): PrimitiveOp<O> {
  return {
    ...ofElements(name),
    manual: pageOf(source, `x |> ${name}()`),
    signature: { name, inputs: [{ name: "x" }], attributes: [], ownsWeights: false, doc },
    reference: (inputs, _attributes, output) => mapped(output, inputAt(inputs, 0).data, compute),
  };
}

function pageOf(source: string, code: string): Manual {
  return { shapes: "[...] → [...]", source, examples: [{ given: { x: "[N, S, C]" }, makes: "[N, S, C]", code }] };
}

const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));

export function geluOf(x: number): number {
  return 0.5 * x * (1 + erfNumber(x * halfRoot));
}

export const sigmoid = elementwise("sigmoid", "torch.sigmoid", "1 / (1 + exp(-x)), element by element.", sigmoidOf);
export const tanh = elementwise("tanh", "torch.tanh", "The hyperbolic tangent, element by element.", Math.tanh);
export const exp = elementwise("exp", "torch.exp", "e to the power of x, element by element.", Math.exp);
export const log = elementwise(
  "log",
  "torch.log",
  "The natural logarithm, element by element; of a negative number not a number, of 0 minus infinity, on WebGPU of both about -87, in f16 -9.7.",
  Math.log,
);
export const relu = elementwise("relu", "torch.nn.ReLU", "The larger of x and 0, element by element.", (x) => Math.max(x, 0));
export const abs = elementwise("abs", "torch.abs", "x without its sign, element by element.", Math.abs);
export const sqrt = elementwise(
  "sqrt",
  "torch.sqrt",
  "The square root, element by element; of a negative number not a number, on WebGPU 0.",
  Math.sqrt,
);
export const sin = elementwise(
  "sin",
  "torch.sin",
  "The sine of x in radians, element by element; on WebGPU within 1e-6 up to 30,000 either way, then less and less.",
  Math.sin,
);
export const cos = elementwise(
  "cos",
  "torch.cos",
  "The cosine of x in radians, element by element; on WebGPU within 1e-6 up to 30,000 either way, then less and less.",
  Math.cos,
);
export const silu = elementwise("silu", "torch.nn.SiLU", "x * sigmoid(x), element by element.", (x) => x * sigmoidOf(x));
export const quickGelu = elementwise(
  "quickGelu",
  "CLIP's QuickGELU; PyTorch has none",
  "x * sigmoid(1.702 x), element by element: the form that CLIP was trained with.",
  (x) => x * sigmoidOf(1.702 * x),
);

/** sqrt(2 / pi), and the cube's share: the tanh form of Hendrycks and Gimpel (2016). */
const geluRoot = Math.sqrt(2 / Math.PI);
const geluCube = 0.044715;

const geluForms = { none: geluOf, tanh: (x: number) => 0.5 * x * (1 + Math.tanh(geluRoot * (x + geluCube * x ** 3))) };

export const gelu: PrimitiveOp<"gelu"> = {
  ...ofElements("gelu"),
  manual: pageOf("torch.nn.GELU", 'x |> gelu(approximate: "tanh")'),
  signature: {
    name: "gelu",
    inputs: [{ name: "x" }],
    attributes: [{ name: "approximate", kind: { oneOf: ["none", "tanh"] }, default: "none" }],
    ownsWeights: false,
    doc: '0.5 x (1 + erf(x / sqrt 2)), element by element; with approximate "tanh" 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).',
  },
  reference: (inputs, { approximate }, output) => mapped(output, inputAt(inputs, 0).data, geluForms[approximate]),
};

export const step = internal("step", "1 where x is above 0, else 0, element by element.", (x) => (x > 0 ? 1 : 0));
export const erf = internal(
  "erf",
  "The error function, 2 / sqrt pi times the integral of exp(-t^2) from 0 to x, element by element.",
  erfNumber,
);
