/** The forms of the language that are called like ops and are none of the table: their signatures, and what the table's kinds cannot say of their arguments. */

import type { CallExpression } from "../ast.ts";
import type { OpSignature } from "../signature.ts";
import type { Context, Names } from "./context.ts";
import { typeOf } from "./expressions.ts";
import { type StaticType, showStatic } from "./static-type.ts";

/** Tensors that are known when the model is built. */
export const constantForms: readonly OpSignature[] = [
  {
    name: "range",
    inputs: [],
    attributes: [{ name: "size", kind: "int" }],
    ownsWeights: false,
    doc: "The i32 numbers 0, 1, 2 … along an axis of that size, which has the size's name.",
  },
  {
    name: "tensor",
    inputs: [],
    attributes: [{ name: "values", kind: "numbers" }],
    ownsWeights: false,
    doc: "A list of numbers as a tensor, lists within it as its axes: i32 if all are whole, else of the build's precision.",
  },
  {
    name: "float",
    inputs: [{ name: "x" }],
    attributes: [],
    ownsWeights: false,
    doc: "The same numbers in the build's precision: what i32 numbers need to be computed with floats.",
  },
];

/** Functions of numbers, which are known when the model is built: they may stand outside blocks too. */
export const numberForms: readonly OpSignature[] = [
  {
    name: "div",
    inputs: [],
    attributes: [
      { name: "a", kind: "int" },
      { name: "b", kind: "int" },
    ],
    ownsWeights: false,
    doc: "The whole number that `a / b` is rounded down to; `a / b` itself must come out.",
  },
];

export function isNumberForm(name: string): boolean {
  return numberForms.some((form) => form.name === name);
}

/** `tensor` takes lists of numbers, of any depth: what they hold is checked here, that they are no ragged ones when the model is built. */
export function checkValues(context: Context, call: CallExpression, names: Names): void {
  const values = call.piped ?? call.arguments[0]?.value;
  const found = values === undefined ? undefined : typeOf(context, values, names);
  if (values === undefined || found === undefined || isNumbers(found)) return;
  context.report("wrong-type", values.span, { expected: "a list of numbers, or of lists of them", found: showStatic(found) });
}

function isNumbers(type: StaticType): boolean {
  if (type.kind !== "list") return type.kind === "unknown";
  return ["int", "float"].includes(type.element.kind) || isNumbers(type.element);
}
