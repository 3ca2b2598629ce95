/** `range`, `tensor` and `float`: numbers that are known when the model is built to constants of the graph, and whole numbers to floats. */

import type { CallExpression, Expression } from "../../dsl/index.ts";
import { plainAxis } from "../graph/axis.ts";
import type { DType } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import { refuseNumber } from "./arithmetic.ts";
import { evaluate, evaluateInt, evaluateTensor } from "./evaluate.ts";
import { type Frame, fail, newValue, originAt, spend } from "./frame.ts";
import { axisOf, describe, type Static, type TensorStatic } from "./static.ts";

type Form = (call: CallExpression, argument: Expression, frame: Frame) => TensorStatic;

const forms: { readonly [name: string]: Form } = { range, tensor, float };

/** The form that a call is; undefined where its name is none. */
export function constantForm({ callee: { name } }: CallExpression): Form | undefined {
  return Object.hasOwn(forms, name) ? forms[name] : undefined;
}

function range(call: CallExpression, argument: Expression, frame: Frame): TensorStatic {
  const size = evaluateInt(argument, frame);
  spend(frame, call.callSpan, "items", Math.max(0, size.value));
  return constant(call, { dtype: "i32", axes: [axisOf(size)] }, () => Array.from({ length: size.value }, (_, i) => i), frame);
}

/** The numbers of lists within each other, which all must be of the lengths of the first. */
function tensor(call: CallExpression, argument: Expression, frame: Frame): TensorStatic {
  const value = evaluate(argument, frame);
  const numbers: number[] = [];
  let floats = false;
  const lengths: number[] = [];
  for (let first: Static | undefined = value; first?.kind === "list"; first = first.at(0)) lengths.push(first.length);
  const collect = (part: Static, at: number): void => {
    const length = lengths[at];
    if (length !== undefined && part.kind === "list" && part.length === length) {
      spend(frame, argument.span, "items", length);
      for (const item of part.items) collect(item, at + 1);
    } else if (length === undefined && (part.kind === "int" || part.kind === "float")) {
      floats ||= part.kind === "float";
      numbers.push(part.value);
    } else
      fail(frame, "ragged", argument.span, { expected: length === undefined ? "a number" : `a list of ${length}`, found: describe(part) });
  };
  collect(value, 0);
  const dtype = floats ? frame.expansion.precision : "i32";
  for (const number of numbers) refuseNumber(number, dtype, argument.span, frame);
  return constant(call, { dtype, axes: lengths.map(plainAxis) }, () => numbers, frame);
}

function float(call: CallExpression, argument: Expression, frame: Frame): TensorStatic {
  const x = evaluateTensor(argument, frame);
  const to: Exclude<DType, "i32"> = frame.expansion.precision;
  if (x.type.dtype === to) return x;
  const type = { dtype: to, axes: x.type.axes };
  const id = frame.expansion.builder.op("cast", [x.id], { to }, originAt(frame, call.span), newValue(frame, call.callSpan, type));
  return { kind: "tensor", id, type };
}

/** `numbers` is asked for once the type is known to be within bounds. */
function constant(call: CallExpression, type: AxisType, numbers: () => readonly number[], frame: Frame): TensorStatic {
  const made = newValue(frame, call.callSpan, type);
  return { kind: "tensor", type, id: frame.expansion.builder.constant(made, numbers()) };
}
