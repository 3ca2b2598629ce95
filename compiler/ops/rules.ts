/** What shape rules share: the sentences of refusals that several ops have, and axes made from others. */

import { type Axis, axisOfForm, plainAxis, showAxes } from "../graph/axis.ts";
import { misplaced } from "../graph/same-axes.ts";
import type { AttributeAxis, AxisType, Mix, ShapeProblem } from "./op.ts";

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
export const affineAttribute = {
  name: "affine",
  kind: "bool",
  default: true,
  asksForWeights: true,
  doc: "whether it has weights; `elementwise_affine` in PyTorch",
} as const;

export function refuseDtypes(op: string, left: AxisType, right: AxisType, input: number | "call" = "call"): ShapeProblem | undefined {
  if (left.dtype === right.dtype) return undefined;
  return {
    code: "wrong-dtype",
    message: `\`${op}\` needs values of one dtype, but one is ${left.dtype} and the other ${right.dtype}`,
    at: input === "call" ? "call" : { input },
  };
}

/** The axis that an attribute makes, where no call names it. */
export const bySize: AttributeAxis = (_, size) => plainAxis(size);

/** The axis after an enlargement: `H * 2`. */
export function enlarged(axis: Axis, by: Axis): Axis {
  return axis.with("enlarged", by, () => axisOfForm(axis.form.times(by.form), axis.size * by.size));
}

/** The axis after a stride, `H / 2`; only its size is known where that does not divide. */
export function strided(axis: Axis, by: Axis, size: number): Axis {
  if (by.plain && by.size === 1 && size === axis.size) return axis;
  if (size * by.size !== axis.size) return plainAxis(size);
  return axis.with("strided", by, () => {
    const form = axis.form.dividedBy(by.form);
    return form === undefined ? plainAxis(size) : axisOfForm(form, size);
  });
}

/** Axes one after another: `F - 1` and 1 are F. */
export function joined(axes: readonly Axis[]): Axis {
  const [first, ...rest] = axes;
  if (first === undefined) return plainAxis(0);
  return rest.reduce((sum, axis) => sum.with("joined", axis, () => axisOfForm(sum.form.plus(axis.form), sum.size + axis.size)), first);
}

/** Refuses axes of equal sizes that their names tell apart; of lists that go on beyond the `compared`, the rest only tells. `needs` is written out where they are. */
export function refuseMisplaced(
  needs: () => string,
  left: readonly Axis[],
  right: readonly Axis[],
  at: ShapeProblem["at"] = "call",
  compared = left.length,
): ShapeProblem | undefined {
  const wrong = misplaced(left, right, compared);
  if (wrong === undefined) return undefined;
  const problem = { code: "axis-mismatch", message: `${needs()}: ${wrong.why}`, at } as const;
  return wrong.hint === undefined ? problem : { ...problem, hint: wrong.hint };
}

/** The last `count` axes of the first input, as axes that an op mixes. */
export function lastAxes(shapes: readonly (readonly number[])[], count: number): Mix[] {
  const rank = inputAt(shapes, 0).length;
  return Array.from({ length: count }, (_, i) => ({ axis: rank - count + i }));
}
