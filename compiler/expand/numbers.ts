/** Functions of whole numbers, which are known when the model is built: `div(a, b)`. */

import type { CallExpression } from "../../dsl/index.ts";
import { axisOfForm } from "../graph/axis.ts";
import { Form, SizeName } from "../graph/size-form.ts";
import { binary } from "./arithmetic.ts";
import { evaluateInt } from "./evaluate.ts";
import { type Frame, fail, spend } from "./frame.ts";
import { givenTo } from "./given.ts";
import { int, nameOf, type Static } from "./static.ts";

/** The value of a call of such a function; undefined where its name is none. */
export function numberCall(call: CallExpression, frame: Frame): Static | undefined {
  if (call.callee.name !== "div") return undefined;
  spend(frame, call.callSpan, "steps");
  const { inOrder, named } = givenTo(call);
  const [a, b] = ["a", "b"].map((name, i) => {
    const value = named.get(name) ?? inOrder[i];
    if (value === undefined) throw new Error(`expand: div lacks ${name}, which check should have found`);
    return { expression: value, number: evaluateInt(value, frame) };
  });
  if (a === undefined || b === undefined) throw new Error("expand: div has two arguments");
  // What comes out is the quotient, by the quotient's name: axes are found by it.
  if (b.number.value !== 0 && a.number.value % b.number.value === 0) {
    const quotient = { kind: "binary", operator: "/", left: a.expression, right: b.expression, span: call.span } as const;
    return binary(quotient, a.number, b.number, frame);
  }
  const operation = `div(${nameOf(a.number)}, ${nameOf(b.number)})`;
  if (b.number.value === 0) {
    return fail(frame, "inexact-division", call.callSpan, { operation, dividend: a.number.value, divisor: 0 });
  }
  const size = Math.floor(a.number.value / b.number.value);
  const isNamed = a.number.axis !== undefined || b.number.axis !== undefined;
  return int(size, isNamed ? axisOfForm(Form.named(new SizeName(operation, size)), size) : undefined);
}
