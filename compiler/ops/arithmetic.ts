/** The four operators between tensors, with axes of size 1 stretched. */

import { type Axis, plainAxis, showAxes } from "../graph/axis.ts";
import type { AxisType, Floats, PrimitiveOp, ShapeProblem, Tensor } from "./op.ts";
import { arrayFor, type Elements, gather, offsets, stridesOf, tensor } from "./reference/tensor.ts";
import { countAxes, inputAt, refuseDtypes, refuseMisplaced } from "./rules.ts";

/**
 * The result's axis, or nothing where they differ. A named axis wins over one that only its size is known of. What stretches is written
 * as 1: a name that happens to be 1 would stretch at one size and not at another.
 */
function stretched(left: Axis, right: Axis): Axis | undefined {
  if (left.size === right.size) return left.plain ? right : left;
  if (left.size === 1 && left.plain) return right;
  return right.size === 1 && right.plain ? left : undefined;
}

function inferBinary(operator: string, left: AxisType, right: AxisType): AxisType | ShapeProblem {
  const mixed = refuseDtypes(operator, left, right);
  if (mixed !== undefined) return mixed;
  if (left.axes.length !== right.axes.length) {
    const message = `\`${operator}\` needs values with as many axes, but the left has ${countAxes(left)} and the right ${countAxes(right)}`;
    return { code: "wrong-rank", message, hint: viewHint(left, right), at: "call" };
  }
  const axes: Axis[] = [];
  for (const [i, axis] of left.axes.entries()) {
    const other = right.axes[i] ?? plainAxis(1);
    const made = stretched(axis, other);
    if (made === undefined) return unequal(operator, i, axis, other);
    axes.push(made);
  }
  const needs = () => `\`${operator}\` needs equal axes, but the left has ${showAxes(left.axes)} and the right ${showAxes(right.axes)}`;
  return refuseMisplaced(needs, left.axes, right.axes) ?? { dtype: left.dtype, axes };
}

function unequal(operator: string, index: number, left: Axis, right: Axis): ShapeProblem {
  const [a, b] = [left.name, right.name];
  const named = [left, right].flatMap((axis) => (axis.plain ? [] : [axis.name]));
  const name = named.length === 2 && a !== b ? `${a} (${b} on the right)` : (named[0] ?? String(index));
  const message = `\`${operator}\` needs equal axes, but axis ${name} is ${left.size} on the left and ${right.size} on the right`;
  const one = [left, right].find((axis) => axis.size === 1);
  if (one === undefined) return { code: "shape-mismatch", message, at: "call" };
  const hint = `only an axis that is written as 1 stretches: \`1\` in the place of ${one.name}`;
  return { code: "shape-mismatch", message, hint, at: "call" };
}

/** The axes that the smaller side lacks, as size 1 at its front. */
function viewHint(left: AxisType, right: AxisType): string {
  const [more, fewer] = left.axes.length > right.axes.length ? [left, right] : [right, left];
  const ones = new Array<string>(more.axes.length - fewer.axes.length).fill("1");
  const side = fewer === left ? "left" : "right";
  return `give the ${side} side axes of size 1 where it stretches: \`view(…, [${[...ones, ...fewer.axes.map((axis) => axis.name)].join(", ")}])\``;
}

/** The elements of `x` as they meet those of the result. */
function stretchedTo(x: Tensor<Floats>, shape: readonly number[]): Elements {
  if (x.shape.every((size, axis) => size === shape[axis])) return x.data;
  const strides = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
  return gather(x.data, offsets(shape, strides));
}

function binary<O extends "add" | "sub" | "mul" | "div">(
  name: O,
  operator: string,
  compute: (a: number, b: number) => number,
): PrimitiveOp<O> {
  return {
    signature: {
      name,
      inputs: [{ name: "left" }, { name: "right" }],
      attributes: [],
      ownsWeights: false,
      doc: `\`left ${operator} right\`, element by element; ranks are equal and an axis of size 1 stretches.`,
    },
    internal: true,
    infer: (inputs) => inferBinary(operator, inputAt(inputs, 0), inputAt(inputs, 1)),
    mixes: () => [],
    flops: () => 0,
    reference: (inputs, _attributes, output) => {
      const left = stretchedTo(inputAt(inputs, 0), output.shape);
      const right = stretchedTo(inputAt(inputs, 1), output.shape);
      const made = arrayFor(output);
      for (let i = 0; i < made.length; i++) made[i] = compute(left[i] as number, right[i] as number);
      return tensor(output, made);
    },
  };
}

export const add = binary("add", "+", (a, b) => a + b);
export const sub = binary("sub", "-", (a, b) => a - b);
export const mul = binary("mul", "*", (a, b) => a * b);
export const div = binary("div", "/", (a, b) => a / b);
