/** Gradient rules of what goes along its last axes window by window: a convolution's data get its transpose, a transposed one's a convolution, with the very same weight. */

import { sizeOf, type ValueId } from "../graph/graph.ts";
import type { OpAttributes, Padding } from "../graph/op-names.ts";
import type { Lowering } from "../ops/op.ts";
import { inputAt } from "../ops/rules.ts";
import { gradientWindows } from "../ops/weight-gradient.ts";
import {
  type ConvolutionLike,
  type ConvolutionName,
  convolutionNames,
  type PoolName,
  paddingOf,
  type TransposedName,
  type Window,
  windowsOf,
} from "../ops/windows.ts";
import type { GradientRule } from "./rule.ts";

/** At either end of an axis. */
type Ends = readonly [before: number, after: number];
type Factors = readonly [x: ValueId, weight: ValueId];

const transposes = { conv1d: "convTranspose1d", conv2d: "convTranspose2d", conv3d: "convTranspose3d" } as const;
const straight = { convTranspose1d: "conv1d", convTranspose2d: "conv2d", convTranspose3d: "conv3d" } as const;

/** Zeros put at the ends of an axis, or where negative, places taken away there. */
function resized(make: Lowering, x: ValueId, axis: number, before: number, after: number): ValueId {
  const { dtype, shape } = make.typeOf(x);
  const size = inputAt(shape, axis);
  const [start, end] = [Math.max(0, -before), size - Math.max(0, -after)];
  if (end <= start) {
    // Windows that lie in the padding alone have read nothing.
    const zero = make.constant({ dtype, shape: shape.map(() => 1) }, [0]);
    return make.op("broadcast", [zero], { shape: shape.with(axis, size + before + after) });
  }
  const cut = end - start === size ? x : make.op("slice", [x], { axis, start, size: end - start });
  if (before <= 0 && after <= 0) return cut;
  return make.op("pad", [cut], { axis, before: Math.max(0, before), after: Math.max(0, after) });
}

function resizedEach(make: Lowering, x: ValueId, ends: readonly Ends[]): ValueId {
  const first = make.typeOf(x).shape.length - ends.length;
  return ends.reduce((made, [before, after], i) => resized(make, made, first + i, before, after), x);
}

/** A convolution of either kind without a bias; where no padding says what is wanted there is none. */
function convolved<O extends ConvolutionLike>(
  make: Lowering,
  op: O,
  inputs: Factors,
  out: number,
  windows: readonly Window[],
  groups: number,
  paddings: readonly (Padding | undefined)[],
): ValueId {
  const attributes: OpAttributes[ConvolutionLike] = {
    out,
    kernel: windows.map(({ kernel }) => kernel),
    stride: windows.map(({ stride }) => stride),
    padding: paddings.map((padding) => padding ?? "none"),
    dilation: windows.map(({ dilation }) => dilation),
    groups,
    bias: false,
    init: "default",
  };
  return make.op(op, inputs, attributes as OpAttributes[O]);
}

/** The sum over all but the channels, which stand before the last `axes`. */
function biasGradient(make: Lowering, gradient: ValueId, axes: number): ValueId {
  const { shape } = make.typeOf(gradient);
  const channels = inputAt(shape, shape.length - axes - 1);
  const places = sizeOf(shape.slice(-axes));
  const planes = make.op("reshape", [gradient], { shape: [sizeOf(shape) / (channels * places), channels, places] });
  const sums = make.op("sum", [make.op("sum", [planes], { axis: 2 })], { axis: 0 });
  return make.op("reshape", [sums], { shape: [channels] });
}

function weightGradient(
  make: Lowering,
  inputs: readonly [x: ValueId, result: ValueId],
  windows: readonly Window[],
  groups: number,
): ValueId {
  return make.op("convWeightGradient", inputs, {
    kernel: windows.map(({ kernel }) => kernel),
    stride: windows.map(({ stride }) => stride),
    dilation: windows.map(({ dilation }) => dilation),
    before: windows.map(({ before }) => before),
    groups,
  });
}

/** Each place of `x` spread over its window, into values of `shape`: of what the windows reach, `before` is cut, and where they do not reach stand zeros. */
function scattered(
  make: Lowering,
  op: TransposedName,
  inputs: Factors,
  shape: readonly number[],
  windows: readonly Window[],
  groups: number,
) {
  const axes = windows.length;
  const points = make.typeOf(inputs[0]).shape.slice(-axes);
  const ends = windows.map(({ kernel, stride, dilation, before }, i): Ends => {
    const reach = (inputAt(points, i) - 1) * stride + dilation * (kernel - 1) + 1;
    return [before, reach - before - inputAt(shape, shape.length - axes + i)];
  });
  const paddings = windows.map((window, i) => paddingOf(op, window, ...inputAt(ends, i)));
  const whole = convolved(make, op, inputs, inputAt(shape, shape.length - axes - 1), windows, groups, paddings);
  return resizedEach(
    make,
    whole,
    ends.map(([before, after], i) => (paddings[i] === undefined ? [-before, -after] : [0, 0])),
  );
}

/** Each place of a value of `shape` from its window in `x`, beyond which stand zeros. */
function gathered(
  make: Lowering,
  op: ConvolutionName,
  [x, weight]: Factors,
  shape: readonly number[],
  windows: readonly Window[],
  groups: number,
) {
  const axes = windows.length;
  const sizes = make.typeOf(x).shape.slice(-axes);
  const ends = windows.map(({ kernel, stride, dilation, before }, i): Ends => {
    const reach = (inputAt(shape, shape.length - axes + i) - 1) * stride + dilation * (kernel - 1) + 1;
    return [before, reach - before - inputAt(sizes, i)];
  });
  const paddings = windows.map((window, i) => paddingOf(op, window, ...inputAt(ends, i)));
  const padded = resizedEach(
    make,
    x,
    ends.map((end, i) => (paddings[i] === undefined ? end : [0, 0])),
  );
  return convolved(make, op, [padded, weight], inputAt(shape, shape.length - axes - 1), windows, groups, paddings);
}

const convolution =
  <O extends ConvolutionName>(name: O): GradientRule<O> =>
  (make, { inputs: [x = -1, weight = -1], attributes, gradient, wanted: [ofData, ofWeight, ofBias] }) => {
    const windows = windowsOf(name, attributes);
    const { groups } = attributes;
    return [
      ofData ? scattered(make, transposes[name], [gradient, weight], make.typeOf(x).shape, windows, groups) : undefined,
      ofWeight ? weightGradient(make, [x, gradient], windows, groups) : undefined,
      ofBias ? biasGradient(make, gradient, windows.length) : undefined,
    ].slice(0, attributes.bias ? 3 : 2);
  };

const transposed =
  <O extends TransposedName>(name: O): GradientRule<O> =>
  (make, { inputs: [x = -1, weight = -1], attributes, gradient, wanted: [ofData, ofWeight, ofBias] }) => {
    const windows = windowsOf(name, attributes);
    const { groups } = attributes;
    return [
      ofData ? gathered(make, straight[name], [gradient, weight], make.typeOf(x).shape, windows, groups) : undefined,
      ofWeight ? weightGradient(make, [gradient, x], windows, groups) : undefined,
      ofBias ? biasGradient(make, gradient, windows.length) : undefined,
    ].slice(0, attributes.bias ? 3 : 2);
  };

/** It is linear in either factor: the gradient of the weight's gradient stands where the weight does. */
const ofWeightGradient: GradientRule<"convWeightGradient"> = (make, { inputs, attributes, gradient, wanted: [ofData, ofResult] }) => {
  const windows = gradientWindows(attributes);
  const name = inputAt(convolutionNames, windows.length - 1);
  const [x, result] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  return [
    ofData ? scattered(make, transposes[name], [result, gradient], make.typeOf(x).shape, windows, attributes.groups) : undefined,
    ofResult ? gathered(make, name, [x, gradient], make.typeOf(result).shape, windows, attributes.groups) : undefined,
  ];
};

/** Along one axis each number to all places of its window, added up where windows overlap; `size` is the operand's, within which all windows lie. */
function spread(make: Lowering, x: ValueId, axis: number, { kernel, stride }: Window, size: number): ValueId {
  const { shape } = make.typeOf(x);
  const points = inputAt(shape, axis);
  const single = make.op("reshape", [x], { shape: shape.toSpliced(axis, 1, points, 1) });
  const parts = Array.from({ length: Math.ceil(kernel / stride) }, (_, turn) => {
    // Of a window that is longer than its stride the next places lie a stride further on, the last of them fewer.
    const own = Math.min(stride, kernel - turn * stride);
    const stretched = make.op("broadcast", [single], { shape: shape.toSpliced(axis, 1, points, own) });
    const stepped = make.op("reshape", [resized(make, stretched, axis + 1, 0, stride - own)], { shape: shape.with(axis, points * stride) });
    return resized(make, stepped, axis, turn * stride, size - (turn + points) * stride);
  });
  return parts.reduce((sum, part) => make.op("add", [sum, part], {}));
}

const pool =
  <O extends PoolName>(name: O): GradientRule<O> =>
  (make, { inputs: [x = -1], attributes, gradient, wanted }) => {
    if (wanted[0] !== true) return [undefined];
    const windows = windowsOf(name, attributes);
    const { dtype, shape } = make.typeOf(x);
    const first = shape.length - windows.length;
    const share = make.constant({ dtype, shape: shape.map(() => 1) }, [1 / sizeOf(windows.map(({ kernel }) => kernel))]);
    const shares = make.op("mul", [gradient, share], {});
    return [windows.reduce((made, window, i) => spread(make, made, first + i, window, inputAt(shape, first + i)), shares)];
  };

/** The rules of this file's ops, by op. */
export const windowGradients = {
  conv1d: convolution("conv1d"),
  conv2d: convolution("conv2d"),
  conv3d: convolution("conv3d"),
  convTranspose1d: transposed("convTranspose1d"),
  convTranspose2d: transposed("convTranspose2d"),
  convTranspose3d: transposed("convTranspose3d"),
  convWeightGradient: ofWeightGradient,
  averagePool1d: pool("averagePool1d"),
  averagePool2d: pool("averagePool2d"),
  averagePool3d: pool("averagePool3d"),
} satisfies { readonly [O in ConvolutionName | PoolName | TransposedName | "convWeightGradient"]: GradientRule<O> };
