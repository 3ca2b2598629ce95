/** How each primitive op is written as ONNX nodes: a total table, so that an op without a rule does not compile. */

import type { DType, TensorType } from "../../graph/graph.ts";
import { type OpValueOf, sizeOf } from "../../graph/graph.ts";
import { inputAt } from "../../ops/rules.ts";
import { frequencies } from "../../ops/sinusoid.ts";
import type { PrimitiveName } from "../../ops/table.ts";
import { type ConvolutionName, type PoolName, type TransposedName, windowAxes, windowsOf } from "../../ops/windows.ts";
import { blockedConvolution } from "./blocked.ts";
import { onnxDataType } from "./proto.ts";
import { weightGradient } from "./weight-gradient.ts";
import type { OnnxWriter } from "./writer.ts";

/** Writes an op's nodes and returns the name of the result; `inputs` are names of ONNX values, weights included, of `types`. */
export type OnnxRule<O extends PrimitiveName> = (
  writer: OnnxWriter,
  inputs: readonly string[],
  value: OpValueOf<O>,
  types: readonly TensorType[],
) => string;

/** An op of one node that has its inputs and no attributes. */
const node =
  (opType: string) =>
  (writer: OnnxWriter, inputs: readonly string[]): string =>
    writer.node(opType, inputs);

/** Sums of squares leave the range of halves, so a norm or a softmax computes in f32 whatever comes in. */
function inF32(writer: OnnxWriter, inputs: readonly string[], types: readonly TensorType[]): readonly [string, string, string] {
  const [x = "", weight = "", bias = ""] = inputs.map((name, i) => writer.cast(name, inputAt(types, i).dtype, "f32"));
  return [x, weight, bias];
}

/** Of one axis, which stays; a sum of halves keeps its digits in f32. */
const reduced =
  (opType: "ReduceSum" | "ReduceMean" | "ReduceMax") =>
  (
    writer: OnnxWriter,
    [x = ""]: readonly string[],
    { type, attributes }: { readonly type: TensorType; readonly attributes: { readonly axis: number } },
  ): string => {
    return writer.cast(writer.reduce(opType, writer.cast(x, type.dtype, "f32"), attributes.axis), "f32", type.dtype);
  };

/** Gelu came with opset 20. What it is made of loses digits in halves, which Gelu does not. */
function gelu(writer: OnnxWriter, x: string, dtype: DType, approximate: "none" | "tanh"): string {
  if (writer.opset >= 20) return writer.node("Gelu", [x], approximate === "none" ? {} : { approximate });
  const wide = writer.cast(x, dtype, "f32");
  const times = (left: string, right: string | number) =>
    writer.node("Mul", [left, typeof right === "number" ? writer.scalar(right, "f32") : right]);
  const cubic = () => writer.node("Add", [wide, times(times(times(wide, wide), wide), 0.044715)]);
  const curve =
    approximate === "none"
      ? writer.node("Erf", [writer.node("Div", [wide, writer.scalar(Math.SQRT2, "f32")])])
      : writer.node("Tanh", [times(cubic(), Math.sqrt(2 / Math.PI))]);
  return writer.cast(times(times(wide, writer.node("Add", [curve, writer.scalar(1, "f32")])), 0.5), "f32", dtype);
}

/** A scale with more elements would be made of megabytes of ones: one number a group stretches instead. */
const longestScale = 65_536;

function layerNormal(writer: OnnxWriter, rows: string, row: number, eps: number): string {
  return writer.node("LayerNormalization", [rows, writer.ones(row)], { axis: -1, epsilon: { float: eps } });
}

function instanceNormal(writer: OnnxWriter, rows: string, groups: number, eps: number): string {
  const scaleAndShift = [1, 0].map((number) => writer.constant("f32", [groups], new Array<number>(groups).fill(number)));
  return writer.node("InstanceNormalization", [rows, ...scaleAndShift], { epsilon: { float: eps } });
}

/** Weights of another dtype than what they meet. */
function weightsAs(writer: OnnxWriter, dtype: DType, inputs: readonly string[], types: readonly TensorType[]): readonly string[] {
  return inputs.slice(1).map((name, i) => writer.cast(name, inputAt(types, i + 1).dtype, dtype));
}

/** A mask with more elements would be most of the file: it is computed where the model is loaded. */
const largestMask = 65_536;

function addMask(writer: OnnxWriter, scores: string, rows: number, columns: number): string {
  const mask = Array.from({ length: rows * columns }, (_, i) => (i % columns > Math.floor(i / columns) ? Number.NEGATIVE_INFINITY : 0));
  return writer.node("Add", [scores, writer.constant("f32", [rows, columns], mask)]);
}

function chooseSeen(writer: OnnxWriter, scores: string, rows: number, columns: number): string {
  const range = (count: number) =>
    writer.node(
      "Range",
      [0, count, 1].map((number) => writer.constant("i64", [], [number])),
    );
  const row = writer.node("Reshape", [range(rows), writer.ints([rows, 1])]);
  const seen = writer.node("LessOrEqual", [range(columns), row]);
  return writer.node("Where", [seen, scores, writer.scalar(Number.NEGATIVE_INFINITY, "f32")]);
}

/** What ONNX has for a convolution takes one axis of images, and says nothing of what is 1. */
const windowed =
  (opType: string): OnnxRule<ConvolutionName | TransposedName> =>
  (writer, inputs, { op, type, attributes }, types) => {
    const axes = windowAxes[op];
    const windows = windowsOf(op, attributes);
    const { groups } = attributes;
    const x = inputAt(types, 0);
    const blocked = op === "conv2d" ? blockedConvolution(writer, inputs, windows, groups, type, types) : undefined;
    if (blocked !== undefined) return blocked;
    const images = writer.reshape(inputAt(inputs, 0), x.shape, [-1, ...x.shape.slice(-axes - 1)]);
    const made = writer.node(opType, [images, ...weightsAs(writer, x.dtype, inputs, types)], {
      kernel_shape: windows.map(({ kernel }) => kernel),
      strides: windows.map(({ stride }) => stride),
      pads: [...windows.map(({ before }) => before), ...windows.map(({ after }) => after)],
      ...(windows.some(({ dilation }) => dilation > 1) ? { dilations: windows.map(({ dilation }) => dilation) } : {}),
      ...(groups > 1 ? { group: groups } : {}),
    });
    return writer.reshape(made, [-1, ...type.shape.slice(-axes - 1)], type.shape);
  };

const pooled: OnnxRule<PoolName> = (writer, [x = ""], { op, type, attributes }, types) => {
  const axes = windowAxes[op];
  const windows = windowsOf(op, attributes);
  const { shape } = inputAt(types, 0);
  const sizes = shape.slice(-axes);
  const planes = writer.reshape(writer.cast(x, type.dtype, "f32"), shape, [1, sizeOf(shape) / sizeOf(sizes), ...sizes]);
  const made = writer.node("AveragePool", [planes], {
    kernel_shape: windows.map(({ kernel }) => kernel),
    strides: windows.map(({ stride }) => stride),
  });
  return writer.cast(writer.reshape(made, [], type.shape), "f32", type.dtype);
};

export const onnxRules: { readonly [O in PrimitiveName]: OnnxRule<O> } = {
  add: node("Add"),
  sub: node("Sub"),
  mul: node("Mul"),
  div: node("Div"),
  matmul: node("MatMul"),
  sigmoid: node("Sigmoid"),
  tanh: node("Tanh"),
  exp: node("Exp"),
  log: node("Log"),
  relu: node("Relu"),
  sqrt: node("Sqrt"),
  sin: node("Sin"),
  cos: node("Cos"),
  abs: node("Abs"),
  erf: node("Erf"),
  /** x less a zero that is made of the gate: ONNX knows no order beside that of data, and less zero every number is itself. */
  after: (writer, [x = "", gate = ""], { type }, types) => {
    const first = writer.node("Slice", [writer.reshape(gate, inputAt(types, 1).shape, [-1]), writer.ints([0]), writer.ints([1])]);
    const floats = writer.cast(first, inputAt(types, 1).dtype, "f32");
    const isNone = writer.node("Cast", [writer.node("IsNaN", [floats])], { to: onnxDataType(type.dtype) });
    return writer.node("Sub", [x, writer.node("Mul", [isNone, writer.scalar(0, type.dtype)])]);
  },
  step: (writer, [x = ""], { type }) =>
    writer.node("Cast", [writer.node("Greater", [x, writer.scalar(0, type.dtype)])], { to: onnxDataType(type.dtype) }),
  gelu: (writer, [x = ""], { type, attributes }) => gelu(writer, x, type.dtype, attributes.approximate),

  /** ONNX Runtime fuses the two nodes into one pass. */
  silu: (writer, [x = ""]) => writer.node("Mul", [x, writer.node("Sigmoid", [x])]),

  quickGelu: (writer, [x = ""], { type }) =>
    writer.node("Mul", [x, writer.node("Sigmoid", [writer.node("Mul", [x, writer.scalar(1.702, type.dtype)])])]),

  geglu: (writer, [x = ""], { type }) => {
    const half = type.shape[type.shape.length - 1] ?? 1;
    const [scaled, gate] = writer.twoOutputs("Split", [x, writer.ints([half, half])], { axis: -1 });
    return writer.node("Mul", [scaled, gelu(writer, gate, type.dtype, "none")]);
  },

  cast: (writer, [x = ""], { type }, types) => writer.cast(x, inputAt(types, 0).dtype, type.dtype),

  concat: (writer, inputs, { attributes }) =>
    inputs.length === 1 ? inputAt(inputs, 0) : writer.node("Concat", inputs, { axis: attributes.axis }),

  slice: (writer, [x = ""], { attributes: { axis, start, size } }) =>
    writer.node("Slice", [x, ...[start, start + size, axis].map((bound) => writer.ints([bound]))]),

  /** Before opset 18 every axis has its two numbers. */
  pad: (writer, [x = ""], { type, attributes: { axis, before, after } }) => {
    if (writer.opset >= 18) return writer.node("Pad", [x, writer.ints([before, after]), "", writer.ints([axis])]);
    const at = (count: number) => type.shape.map((_, i) => (i === axis ? count : 0));
    return writer.node("Pad", [x, writer.ints([...at(before), ...at(after)])]);
  },

  reshape: (writer, [x = ""], { type }, types) => writer.reshape(x, inputAt(types, 0).shape, type.shape),
  transpose: (writer, inputs, { attributes }) => writer.node("Transpose", inputs, { perm: attributes.permutation }),
  broadcast: (writer, [x = ""], { type }) => writer.node("Expand", [x, writer.ints(type.shape)]),

  conv1d: windowed("Conv"),
  conv2d: windowed("Conv"),
  conv3d: windowed("Conv"),
  convTranspose1d: windowed("ConvTranspose"),
  convTranspose2d: windowed("ConvTranspose"),
  convTranspose3d: windowed("ConvTranspose"),
  convWeightGradient: weightGradient,
  averagePool1d: pooled,
  averagePool2d: pooled,
  averagePool3d: pooled,

  /** Gemm takes the weight as the file holds it; MatMul would need it transposed, which ONNX Runtime keeps as a second copy while it loads. */
  linear: (writer, inputs, { type }, types) => {
    const x = inputAt(types, 0);
    const width = x.shape[x.shape.length - 1] ?? 1;
    const out = type.shape[type.shape.length - 1] ?? 1;
    const rows = sizeOf(x.shape) / width;
    const flat = writer.reshape(inputAt(inputs, 0), x.shape, [rows, width]);
    const made = writer.node("Gemm", [flat, ...weightsAs(writer, x.dtype, inputs, types)], { transB: 1 });
    return writer.reshape(made, [rows, out], type.shape);
  },

  embedding: (writer, [tokens = "", table = ""]) => writer.node("Gather", [table, tokens], { axis: 0 }),
  gather: (writer, inputs, { attributes: { axis } }) => writer.node("Gather", inputs, { axis }),

  /** Not ScatterND, whose threads in ONNX Runtime add to one place at once; of halves neither adds any. */
  scatterAdd: (writer, [values = "", indices = ""], { type, attributes: { axis, size } }, types) => {
    const ids = sizeOf(inputAt(types, 1).shape);
    const [outer, row] = [sizeOf(type.shape.slice(0, axis)), sizeOf(type.shape.slice(axis + 1))];
    const updates = writer.reshape(writer.cast(values, type.dtype, "f32"), inputAt(types, 0).shape, [outer, ids, row]);
    const places = writer.node("Expand", [writer.reshape(indices, inputAt(types, 1).shape, [1, ids, 1]), writer.ints([outer, ids, row])]);
    const zeros = writer.node("Expand", [writer.scalar(0, "f32"), writer.ints([outer, size, row])]);
    const made = writer.node("ScatterElements", [zeros, places, updates], { axis: 1, reduction: "add" });
    return writer.cast(writer.reshape(made, [outer, size, row], type.shape), "f32", type.dtype);
  },

  /**
   * A layer norm over each group as one row, then the channels' scale and shift: of the forms that ONNX Runtime has the
   * fastest or near it at every size measured, and with a mean far from zero the most accurate by five to ten times. Its scale is as
   * long as a row (of a shorter one, which ONNX allows, ONNX Runtime 1.23 refuses to run and 1.30 takes five times as long), so long rows have another.
   */
  groupNorm: (writer, inputs, { type, attributes: { groups, eps } }, types) => {
    const [channels = 1, height = 1, width = 1] = type.shape.slice(-3);
    const row = (channels / groups) * height * width;
    const [x, weight, bias] = inF32(writer, inputs, types);
    const rows = writer.reshape(x, [], [sizeOf(type.shape) / (groups * row), groups, row]);
    const normal = row <= longestScale ? layerNormal(writer, rows, row, eps) : instanceNormal(writer, rows, groups, eps);
    const channel = (name: string) => writer.reshape(name, [channels], [channels, 1, 1]);
    const scaled = writer.node("Mul", [writer.reshape(normal, [], type.shape), channel(weight)]);
    return writer.cast(writer.node("Add", [scaled, channel(bias)]), "f32", type.dtype);
  },

  layerNorm: (writer, inputs, { type, attributes }, types) => {
    const [x, ...weights] = inF32(writer, inputs, types);
    const scaled = inputs.length > 1 ? [x, ...weights] : [x, writer.ones(type.shape.at(-1) ?? 1)];
    const made = writer.node("LayerNormalization", scaled, { axis: -1, epsilon: { float: attributes.eps } });
    return writer.cast(made, "f32", type.dtype);
  },

  /** RMSNormalization came with opset 23. */
  rmsNorm: (writer, inputs, { type, attributes }, types) => {
    const [x, weight] = inF32(writer, inputs, types);
    const squares = writer.reduce("ReduceMean", writer.node("Mul", [x, x]), -1);
    const root = writer.node("Sqrt", [writer.node("Add", [squares, writer.scalar(attributes.eps, "f32")])]);
    const normal = writer.node("Div", [x, root]);
    return writer.cast(inputs.length > 1 ? writer.node("Mul", [normal, weight]) : normal, "f32", type.dtype);
  },

  sum: reduced("ReduceSum"),
  mean: reduced("ReduceMean"),
  max: reduced("ReduceMax"),

  softmax: (writer, [x = ""], { type, attributes }) =>
    writer.cast(writer.node("Softmax", [writer.cast(x, type.dtype, "f32")], { axis: attributes.axis }), "f32", type.dtype),

  maskedSoftmax: (writer, [x = ""], { type: { dtype, shape } }) => {
    const [rows = 1, columns = 1] = shape.slice(-2);
    const scores = writer.cast(x, dtype, "f32");
    const masked = rows * columns <= largestMask ? addMask(writer, scores, rows, columns) : chooseSeen(writer, scores, rows, columns);
    return writer.cast(writer.node("Softmax", [masked], { axis: -1 }), "f32", dtype);
  },

  /** In f32 to the end: at t = 999 the angle itself has no digits left in f16. */
  sinusoid: (writer, [t = ""], { type, attributes }, types) => {
    const rates = frequencies(attributes);
    const column = writer.reshape(writer.cast(t, inputAt(types, 0).dtype, "f32"), [], [-1, 1]);
    const angles = writer.node("Mul", [column, writer.constant("f32", [1, rates.length], rates)]);
    const [first, second] = attributes.order === "cos-sin" ? ["Cos", "Sin"] : ["Sin", "Cos"];
    const made = writer.node("Concat", [writer.node(first, [angles]), writer.node(second, [angles])], { axis: 1 });
    return writer.cast(made, "f32", type.dtype);
  },

  upsample: (writer, [x = ""], { type, attributes: { factor } }, types) => {
    const { shape } = inputAt(types, 0);
    // Of rank 4 where there are channels: ONNX Runtime spreads Resize over them.
    const images = shape.length > 2 ? shape.slice(-3) : [1, ...shape];
    const pictures = writer.reshape(x, shape, [-1, ...images]);
    const scales = writer.constant("f32", [4], [1, 1, factor, factor]);
    const attributes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const made = writer.node("Resize", [pictures, "", scales], attributes);
    return writer.reshape(made, [-1, images[0] ?? 1, ...type.shape.slice(-2)], type.shape);
  },
};
