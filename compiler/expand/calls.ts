/** Calls of ops: inputs, attributes and owned weights to one value of the graph, with its axes named. */

import {
  type AttributeSignature,
  type AttributeValue,
  type CallExpression,
  countInOrder,
  type Expression,
  type OpSignature,
} from "../../dsl/index.ts";
import { type BeyondTable, idBeyondTable } from "../analysis/known-ids.ts";
import { plainAxis } from "../graph/axis.ts";
import { type Attributes, mostSize } from "../graph/graph.ts";
import type { OpName } from "../graph/op-names.ts";
import { isProblem, type OpEntry, type ShapeProblem } from "../ops/op.ts";
import { isOpName, opEntry } from "../ops/table.ts";
import { arrange, view } from "./arrange.ts";
import { callBlock } from "./blocks.ts";
import { constantForm } from "./constants.ts";
import { evaluate, evaluateInt, evaluateList, evaluateTensor } from "./evaluate.ts";
import { type Frame, fail, itemsOf, join, newValue, originAt, spend } from "./frame.ts";
import { type Given, givenTo } from "./given.ts";
import { labelled } from "./labels.ts";
import { numberCall } from "./numbers.ts";
import { axisOf, describe, type IntStatic, int, type Static, type TensorStatic } from "./static.ts";
import { newWeight } from "./weights.ts";

/** A call of whatever its name stands for: a block of the file's scope, a form of the language, or an op. */
export function call(expression: CallExpression, frame: Frame): Static {
  const number = numberCall(expression, frame);
  if (number !== undefined) return number;
  spend(frame, expression.callSpan, "steps");
  const name = expression.callee.name;
  const declared = frame.expansion.program.files.get(frame.file)?.names.get(name);
  if (declared?.declaration.kind === "block") return callBlock(expression, declared.declaration, declared.file, frame);
  if (name === "view" || name === "arrange" || name === "expand") return layoutCall(expression, frame);
  const form = constantForm(expression);
  const argument = givenTo(expression).inOrder[0] ?? expression.arguments[0]?.value;
  if (form !== undefined && argument !== undefined) return form(expression, argument, frame);
  if (!isOpName(name) || opEntry(name).internal) throw new Error(`expand: no op or block ${name}, which check should have found`);
  return callOp(expression, name, frame);
}

function layoutCall(expression: CallExpression, frame: Frame): TensorStatic {
  const { inOrder, named } = givenTo(expression);
  const [value, list] = [inOrder[0] ?? named.get("x"), inOrder[1] ?? named.get("axes")];
  if (value === undefined || list === undefined) throw new Error("expand: a layout call lacks an argument, which check should have found");
  const x = evaluateTensor(value, frame);
  const sizes = intsOf(list, frame);
  if (expression.callee.name === "view") return view(expression, x, sizes, frame);
  return arrange(expression, x, sizes, expression.callee.name === "expand", frame);
}

function intsOf(expression: Expression, frame: Frame): IntStatic[] {
  if (expression.kind === "list") return expression.items.map((item) => evaluateInt(item, frame));
  return itemsOf(frame, expression.span, evaluateList(expression, frame)).map((item) =>
    item.kind === "int" ? item : fail(frame, "wrong-kind", expression.span, { expected: "a list of ints", found: describe(item) }),
  );
}

function callOp(expression: CallExpression, op: OpName, frame: Frame): TensorStatic {
  const entry = opEntry(op);
  const { signature } = entry;
  const given = givenTo(expression);
  const inputs = signature.inputs.flatMap((input, i) => tensorsOf(input, i, expression, given, frame));
  const { attributes, ints } = readAttributes(entry, given, frame);
  const types = inputs.map((tensor) => tensor.type);
  const inferred = entry.infer(types, attributes, (attribute, size, item) =>
    axisOf(ints.get(`${attribute} ${item}`) ?? ints.get(attribute) ?? int(size)),
  );
  if (isProblem(inferred)) return refuse(inferred, expression, signature, frame);

  const owned = entry.weights?.(types, attributes) ?? [];
  if (owned.length > 0 && expression.label === undefined) return fail(frame, "unnamed-weight", expression.callSpan, { op: signature.name });
  const inside = labelled(frame, expression.label);
  const { builder, precision } = frame.expansion;
  const weights = owned.map(({ name, shape, init }) =>
    newWeight(inside, expression.callSpan, join(inside.path, name), { dtype: precision, axes: shape.map(plainAxis) }, init),
  );
  const ids = [...inputs.map((tensor) => tensor.id), ...weights];
  spend(frame, expression.callSpan, "values", ids.length);
  const id = builder.op(op, ids, attributes, originAt(inside, expression.span), newValue(frame, expression.callSpan, inferred));
  frame.expansion.recorder?.op(expression, { op, attributes, dtype: inferred.dtype, owns: owned.length > 0 }, frame);
  const beyond = idBeyondTable(builder, id);
  if (beyond !== undefined) return refuse(unknownId(signature.name, beyond), expression, signature, frame);
  return { kind: "tensor", id, type: inferred };
}

function unknownId(op: string, { id, rows, input }: BeyondTable): ShapeProblem {
  const message = `\`${op}\` takes ids from 0 to ${rows - 1} here, but one is ${id}`;
  return { code: "shape-mismatch", message, at: { input } };
}

function tensorsOf(
  input: OpSignature["inputs"][number],
  index: number,
  call: CallExpression,
  { inOrder, named }: Given,
  frame: Frame,
): readonly TensorStatic[] {
  const expression = (input.optional ? undefined : inOrder[index]) ?? named.get(input.name);
  if (expression === undefined && input.optional) return [];
  if (expression === undefined)
    throw new Error(`expand: input ${input.name} of ${call.callee.name} is missing, which check should have found`);
  if (!input.list) return [evaluateTensor(expression, frame)];
  return itemsOf(frame, expression.span, evaluateList(expression, frame)).map((item) =>
    item.kind === "tensor" ? item : fail(frame, "wrong-kind", expression.span, { expected: "a list of tensors", found: describe(item) }),
  );
}

/** What the signature promises of each attribute, `attributeValue` has seen to; `ints` are its numbers by attribute, and those of lists by item. */
function readAttributes(
  { signature, takesPrecision }: OpEntry,
  { inOrder, named }: Given,
  frame: Frame,
): { readonly attributes: Attributes; readonly ints: ReadonlyMap<string, IntStatic> } {
  const attributes: { [name: string]: AttributeValue } = {};
  const ints = new Map<string, IntStatic>();
  const first = countInOrder(signature);
  for (const [i, attribute] of signature.attributes.entries()) {
    const value = named.get(attribute.name) ?? inOrder[first + i];
    if (value !== undefined) attributes[attribute.name] = attributeValue(attribute, value, ints, frame);
    else if (attribute.default !== undefined) attributes[attribute.name] = attribute.default;
    else throw new Error(`expand: attribute ${attribute.name} of ${signature.name} is missing, which check should have found`);
  }
  if (takesPrecision) attributes.dtype = frame.expansion.precision;
  return { attributes: attributes as unknown as Attributes, ints };
}

function attributeValue(attribute: AttributeSignature, expression: Expression, ints: Map<string, IntStatic>, frame: Frame): AttributeValue {
  if (attribute.kind === "ints") return intsOf(expression, frame).map((number) => number.value);
  const value = evaluate(expression, frame);
  if (typeof attribute.kind === "object" && "perAxis" in attribute.kind)
    return perAxis(attribute.name, attribute.kind.perAxis, value, ints, expression, frame);
  if (attribute.kind === "int" && value.kind === "int" && Math.abs(value.value) <= mostSize) {
    ints.set(attribute.name, value);
    return value.value;
  }
  if (attribute.kind === "float" && (value.kind === "int" || value.kind === "float")) return value.value;
  if (attribute.kind === "bool" && value.kind === "bool") return value.value;
  if (typeof attribute.kind === "object" && value.kind === "string" && attribute.kind.oneOf.includes(value.value)) return value.value;
  const expected =
    typeof attribute.kind === "object"
      ? `one of ${quoted(attribute.kind.oneOf)}`
      : attribute.kind === "int"
        ? `an int up to ${mostSize}`
        : `a value of kind ${attribute.kind}`;
  return fail(frame, "wrong-kind", expression.span, { expected: `\`${attribute.name}\`: ${expected}`, found: describe(value) });
}

function perAxis(
  attribute: string,
  words: readonly string[],
  value: Static,
  ints: Map<string, IntStatic>,
  { span }: Expression,
  frame: Frame,
): AttributeValue {
  const one = (item: Static, key: string): number | string => {
    if (item.kind === "int" && Math.abs(item.value) <= mostSize) {
      ints.set(key, item);
      return item.value;
    }
    if (item.kind === "string" && words.includes(item.value)) return item.value;
    const expected = `\`${attribute}\`: an int up to ${mostSize}${words.length === 0 ? "" : ` or one of ${quoted(words)}`}, or a list of one an axis`;
    return fail(frame, "wrong-kind", span, { expected, found: describe(item) });
  };
  return value.kind === "list" ? itemsOf(frame, span, value).map((item, i) => one(item, `${attribute} ${i}`)) : one(value, attribute);
}

function quoted(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(", ");
}

function refuse(problem: ShapeProblem, call: CallExpression, signature: OpSignature, frame: Frame): never {
  const { at, code, message, hint } = problem;
  const { inOrder, named } = givenTo(call);
  if (at === "call") return fail(frame, code, call.callSpan, { message }, { hint });
  if ("input" in at) {
    const input = signature.inputs[at.input];
    const span = named.get(input?.name ?? "")?.span ?? (input?.optional ? undefined : inOrder[at.input]?.span);
    return fail(frame, code, span ?? call.callSpan, { message }, { hint });
  }
  const index = countInOrder(signature) + signature.attributes.findIndex((attribute) => attribute.name === at.attribute);
  const argument = call.arguments.find(({ name }) => name?.name === at.attribute);
  const value = argument?.value ?? inOrder[index];
  const source = value && frame.expansion.sourceOf(originAt(frame, call.span), { name: at.attribute, index });
  const decidedAt = source?.start === value?.span.start && source?.file === value?.span.file ? undefined : source;
  return fail(frame, code, argument?.span ?? value?.span ?? call.callSpan, { message }, { hint, decidedAt });
}
