/** What shape rules share: the sentences of refusals that several ops have, and axes made from others. */

import { type Axis, axisName, namedAxis, plainAxis, showAxes } from "../graph/axis.ts";
import type { AxisType, Mix, ShapeProblem } from "./op.ts";

/** The type of an input that the signature promises; its absence is a bug of the caller. */
export function inputAt<T>(inputs: readonly T[], index: number): T {
  const input = inputs[index];
  if (input === undefined) throw new Error(`op table: input ${index} is missing`);
  return input;
}

/** The axis `fromEnd` places before the end: 1 is the last. The rank is checked before. */
export function axisFromEnd(type: AxisType, fromEnd: number): Axis {
  return inputAt(type.axes, type.axes.length - fromEnd);
}

const names = { f32: "float", f16: "float", i32: "i32" } as const;

/** Refuses integers where an op computes with fractions. */
export function refuseInts(op: string, type: AxisType, input: number): ShapeProblem | undefined {
  if (type.dtype !== "i32") return undefined;
  return {
    code: "wrong-dtype",
    message: `\`${op}\` computes on floats, but the value is ${names[type.dtype]} ${showAxes(type.axes)}`,
    at: { input },
  };
}

/** Refuses a value with fewer axes than `least`; `reads` says for what the op needs them. */
export function refuseRank(op: string, type: AxisType, least: number, reads: string, input = 0): ShapeProblem | undefined {
  if (type.axes.length >= least) return undefined;
  return { code: "wrong-rank", message: `\`${op}\` reads ${reads}, but the value has ${countAxes(type)}`, at: { input } };
}

/** `2 axes: [N, C]`. */
export function countAxes(type: AxisType): string {
  return `${type.axes.length} ${type.axes.length === 1 ? "axis" : "axes"}: ${showAxes(type.axes)}`;
}

/** Refuses a number below `least`. */
export function refuseBelow(op: string, attribute: string, found: number, least: number): ShapeProblem | undefined {
  if (found >= least) return undefined;
  return { code: "bad-attribute", message: `\`${op}\` needs \`${attribute}\` of at least ${least}, but it is ${found}`, at: { attribute } };
}

/** Refuses an int attribute above `most`. */
export function refuseAbove(op: string, attribute: string, found: number, most: number): ShapeProblem | undefined {
  if (found <= most) return undefined;
  return { code: "bad-attribute", message: `\`${op}\` takes \`${attribute}\` up to ${most}, but it is ${found}`, at: { attribute } };
}

/** Refuses an attribute `axis` that counts past the value's axes. */
export function refuseAxis(op: string, axis: number, type: AxisType): ShapeProblem | undefined {
  if (Number.isInteger(axis) && axis >= 0 && axis < type.axes.length) return undefined;
  return {
    code: "bad-attribute",
    message: `\`${op}\` counts axes from 0 to ${type.axes.length - 1} in ${showAxes(type.axes)}, but \`axis\` is ${axis}`,
    at: { attribute: "axis" },
  };
}

/** PyTorch's `elementwise_affine`. */
export const affineAttribute = { name: "affine", kind: "bool", default: true, asksForWeights: true } as const;

export function refuseDtypes(op: string, left: AxisType, right: AxisType, input: number | "call" = "call"): ShapeProblem | undefined {
  if (left.dtype === right.dtype) return undefined;
  return {
    code: "wrong-dtype",
    message: `\`${op}\` needs values of one dtype, but one is ${left.dtype} and the other ${right.dtype}`,
    at: input === "call" ? "call" : { input },
  };
}

/** The axis after a stride or an enlargement, named as the source would write it: `H / 2`. */
export function derivedAxis(axis: Axis, operator: "*" | "/", by: number): Axis {
  const size = operator === "*" ? axis.size * by : axis.size / by;
  const name = axisName(axis);
  if (name === String(axis.size)) return plainAxis(size);
  return namedAxis(`${name.includes(" ") ? `(${name})` : name} ${operator} ${by}`, size);
}

/** The same axis where the size is kept, so that its name stays. */
export function resized(axis: Axis, size: number): Axis {
  if (axis.size === size) return axis;
  if (size < axis.size && axis.size % size === 0) return derivedAxis(axis, "/", axis.size / size);
  return plainAxis(size);
}

/** The last `count` axes of the first input, as axes that an op mixes. */
export function lastAxes(shapes: readonly (readonly number[])[], count: number): Mix[] {
  const rank = inputAt(shapes, 0).length;
  return Array.from({ length: count }, (_, i) => ({ axis: rank - count + i }));
}
