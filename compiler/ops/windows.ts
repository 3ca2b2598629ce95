/** Attributes of ops that go along their last axes window by window (convolutions, pools) to the window on each axis, and to the axes of the result. */

import { type Axis, plainAxis, showAxes } from "../graph/axis.ts";
import { mostSize } from "../graph/graph.ts";
import type { Padding, PerAxis } from "../graph/op-names.ts";
import type { AttributeAxis, AxisType, Mix, ShapeProblem } from "./op.ts";
import { bySize, enlarged, inputAt, lastAxes, refuseBelow, strided } from "./rules.ts";

/** How many of the last axes each op goes along; just before them stand the channels. */
export const windowAxes = {
  conv1d: 1,
  conv2d: 2,
  conv3d: 3,
  convTranspose1d: 1,
  convTranspose2d: 2,
  convTranspose3d: 3,
  averagePool1d: 1,
  averagePool2d: 2,
  averagePool3d: 3,
} as const;

export type WindowedName = keyof typeof windowAxes;
export type ConvolutionName = "conv1d" | "conv2d" | "conv3d";
export const convolutionNames: readonly ConvolutionName[] = ["conv1d", "conv2d", "conv3d"];
export type TransposedName = "convTranspose1d" | "convTranspose2d" | "convTranspose3d";
export type ConvolutionLike = ConvolutionName | TransposedName;
export type PoolName = "averagePool1d" | "averagePool2d" | "averagePool3d";

/** Of a transposed convolution `stride` and `dilation` are steps in the result, and `before` and `after` are places that it is cut by. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Zeros that stand before the first place of the axis and after the last. */
  readonly before: number;
  readonly after: number;
}

interface WindowAttributes {
  readonly kernel: PerAxis<number>;
  readonly stride: PerAxis<number | "kernel">;
  readonly dilation?: PerAxis<number>;
  readonly padding?: PerAxis<Padding>;
}

function isList<T>(value: PerAxis<T>): value is readonly T[] {
  return Array.isArray(value);
}

function alongAxes<T>(value: PerAxis<T>, axes: number): readonly T[] {
  return isList(value) ? value : new Array<T>(axes).fill(value);
}

/** The window on each of the op's axes; the lists of `attributes` have one item an axis. */
export function windowsOf(op: WindowedName, attributes: WindowAttributes): readonly Window[] {
  const axes = windowAxes[op];
  const [strides, dilations] = [alongAxes(attributes.stride, axes), alongAxes(attributes.dilation ?? 1, axes)];
  const paddings = alongAxes(attributes.padding ?? "none", axes);
  return alongAxes(attributes.kernel, axes).map((kernel, i) => {
    const [given, dilation] = [inputAt(strides, i), inputAt(dilations, i)];
    const stride = given === "kernel" ? kernel : given;
    const span = dilation * (kernel - 1);
    const ends = isTransposed(op) ? cutOf(inputAt(paddings, i), span, stride) : zerosOf(inputAt(paddings, i), span, stride);
    return { kernel, stride, dilation, ...ends };
  });
}

export function isTransposed(op: WindowedName): op is TransposedName {
  return op.startsWith("convTranspose");
}

interface Ends {
  readonly before: number;
  readonly after: number;
}

/** `span` is how far a window's last tap stands from its first. */
function zerosOf(padding: Padding, span: number, stride: number): Ends {
  switch (padding) {
    case "same":
      return { before: Math.floor(span / 2), after: Math.ceil(span / 2) };
    case "causal":
      return { before: span, after: 0 };
    case "end":
      return { before: 0, after: span + 1 - stride };
    case "none":
      return { before: 0, after: 0 };
    default:
      return { before: padding, after: padding };
  }
}

/** "same" cuts as PyTorch's `padding` and `output_padding` of 1 do, the odd place at the front. */
function cutOf(padding: Padding, span: number, stride: number): Ends {
  const surplus = span + 1 - stride;
  switch (padding) {
    case "same":
      return { before: Math.ceil(surplus / 2), after: Math.floor(surplus / 2) };
    case "causal":
    case "end":
      return { before: 0, after: surplus };
    case "none":
      return { before: 0, after: 0 };
    default:
      return { before: padding, after: padding };
  }
}

/** The padding that puts, or of a transposed convolution cuts, so many places at either end; undefined where none does. */
export function paddingOf(op: ConvolutionLike, window: Window, before: number, after: number): Padding | undefined {
  const { kernel, stride, dilation } = window;
  if (before < 0 || after < 0) return undefined;
  if (before === after) return before === 0 ? "none" : before;
  // What a word says of a window that is smaller than its stride is refused.
  if (dilation * (kernel - 1) + 1 < stride) return undefined;
  const axes = windowAxes[op];
  const each = <T>(one: T) => new Array<T>(axes).fill(one);
  return (["same", "causal", "end"] as const).find((padding) => {
    const said = { kernel: each(kernel), stride: each(stride), dilation: each(dilation), padding: each(padding) };
    const found = inputAt(windowsOf(op, said), 0);
    return found.before === before && found.after === after;
  });
}

/** The size of the result along an axis. */
function sizeAlong(op: WindowedName, size: number, { kernel, stride, dilation, before, after }: Window): number {
  const span = dilation * (kernel - 1);
  if (isTransposed(op)) return (size - 1) * stride + span + 1 - before - after;
  return Math.floor((size + before + after - span - 1) / stride) + 1;
}

/** The last axes of the result, or why there are none; refuses every attribute of `WindowAttributes`. */
export function windowedAxes(
  op: WindowedName,
  x: AxisType,
  attributes: WindowAttributes,
  axisOf: AttributeAxis = bySize,
): readonly Axis[] | ShapeProblem {
  const axes = windowAxes[op];
  for (const [attribute, least] of [
    ["kernel", 1],
    ["stride", 1],
    ["dilation", 1],
    ["padding", 0],
  ] as const) {
    const value = attributes[attribute];
    if (value === undefined) continue;
    if (isList<number | string>(value) && value.length !== axes) {
      const message = `\`${op}\` goes along ${axes === 1 ? "1 axis" : `${axes} axes`}, but the list of \`${attribute}\` has ${value.length}`;
      return { code: "bad-attribute", message, at: { attribute } };
    }
    for (const one of alongAxes<number | string>(value, axes)) {
      const refused = typeof one === "number" ? refuseBelow(op, attribute, one, least) : undefined;
      if (refused !== undefined) return refused;
    }
  }
  const made: Axis[] = [];
  for (const [i, window] of windowsOf(op, attributes).entries()) {
    const axis = inputAt(x.axes, x.axes.length - axes + i);
    const size = sizeAlong(op, axis.size, window);
    const padding = inputAt(alongAxes(attributes.padding ?? "none", axes), i);
    const refused = refuseShort(op, padding, window) ?? refuseSize(op, x, axis, size, window);
    if (refused !== undefined) return refused;
    const given = inputAt(alongAxes(attributes.stride, axes), i);
    made.push(axisAfter(op, axis, size, axisOf(given === "kernel" ? "kernel" : "stride", window.stride, i)));
  }
  return made;
}

/** The result's size along the axis would follow from no more than the stride if the window reached as far. */
function refuseShort(op: WindowedName, padding: Padding, { kernel, stride, dilation }: Window): ShapeProblem | undefined {
  const reach = dilation * (kernel - 1) + 1;
  const needed = padding === "end" || (isTransposed(op) && typeof padding === "string" && padding !== "none");
  if (!needed || reach >= stride) return undefined;
  const message = `\`${op}\` with padding "${padding}" needs a kernel no smaller than the stride, but the kernel is ${kernel} and the stride ${stride}`;
  return { code: "bad-attribute", message, hint: `\`kernel: ${stride}\``, at: { attribute: "kernel" } };
}

function refuseSize(op: WindowedName, x: AxisType, axis: Axis, size: number, window: Window): ShapeProblem | undefined {
  const { kernel, dilation, before, after } = window;
  const reach = dilation * (kernel - 1) + 1;
  // Kernels count padded places in numbers of 32 bits, with a sign.
  if (size >= 1 && Math.max(axis.size + before + after, size + reach) <= mostSize) return undefined;
  const where = `axis ${axis.name} (${axis.size}) of ${showAxes(x.axes)}`;
  const told = `\`${op}\` has a kernel of ${kernel}${dilation === 1 ? "" : ` (${reach} places with its dilation)`}`;
  if (size < 1) {
    const message = isTransposed(op)
      ? `\`${op}\` leaves nothing of ${where}: its padding cuts ${before + after} places`
      : `${told}, which is larger than ${where}${before + after === 0 ? "" : " with its padding"}`;
    return { code: "bad-attribute", message, at: { attribute: isTransposed(op) ? "padding" : "kernel" } };
  }
  const message = `${told}, which with its padding brings ${where} beyond ${mostSize} places`;
  return { code: "bad-attribute", message, at: { attribute: "kernel" } };
}

/** Named after the old one where the size follows from it by the stride at every size that the stride divides. */
function axisAfter(op: WindowedName, axis: Axis, size: number, stride: Axis): Axis {
  if (!isTransposed(op)) return strided(axis, stride, size);
  return axis.size * stride.size === size ? enlarged(axis, stride) : plainAxis(size);
}

/** The axes that windows mix: of one tap that is moved nowhere, none. `channels` are mixed too where the op sums over them. */
export function windowMixes(
  op: WindowedName,
  shapes: readonly (readonly number[])[],
  attributes: WindowAttributes,
  channels: boolean,
): Mix[] {
  const axes = windowAxes[op];
  const windows = windowsOf(op, attributes);
  const last = lastAxes(shapes, axes).flatMap((mix, i): Mix[] => {
    const { kernel, stride, dilation, before, after } = inputAt(windows, i);
    if (kernel === 1 && stride === 1 && before === 0 && after === 0) return [];
    const span = dilation * (kernel - 1);
    const behind = before === (isTransposed(op) ? 0 : span);
    const pace = isTransposed(op)
      ? { rows: 1, per: stride, low: before - span + stride - 1, high: before }
      : { rows: stride, per: 1, low: -before, high: span - before };
    return [{ ...mix, pace, ...(stride === 1 && behind ? { directed: true } : {}) }];
  });
  return channels ? [{ axis: inputAt(shapes, 0).length - axes - 1 }, ...last] : last;
}
