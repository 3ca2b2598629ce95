/** Calls of ops: inputs, attributes and owned weights to one value of the graph, with its axes named. */

import type { AttributeSignature, AttributeValue, CallExpression, Expression, OpSignature } from "../../dsl/index.ts";
import { type Axis, plainAxis } from "../graph/axis.ts";
import { type Attributes, mostSize } from "../graph/graph.ts";
import type { OpName } from "../graph/op-names.ts";
import { type AxisType, isProblem, type OpEntry, type ShapeProblem } from "../ops/op.ts";
import { isOpName, opEntry } from "../ops/table.ts";
import { arrange, view } from "./arrange.ts";
import { callBlock } from "./blocks.ts";
import { evaluate, evaluateInt, evaluateList, evaluateTensor } from "./evaluate.ts";
import { type Frame, fail, itemsOf, join, labelled, newValue, originAt, spend } from "./frame.ts";
import { describe, type IntStatic, type Static, type TensorStatic } from "./static.ts";
import { newWeight } from "./weights.ts";

/** A call of whatever its name stands for: a block of the file's scope, a form of the language, or an op. */
export function call(expression: CallExpression, frame: Frame): Static {
  spend(frame, expression.callSpan, "steps");
  const name = expression.callee.name;
  const declared = frame.expansion.program.files.get(frame.file)?.names.get(name);
  if (declared?.declaration.kind === "block") return callBlock(expression, declared.declaration, declared.file, frame);
  const inputs = expression.piped === undefined ? [] : [expression.piped];
  const given = [...inputs, ...expression.arguments.filter((argument) => argument.name === undefined).map((argument) => argument.value)];
  if (name === "view" || name === "arrange" || name === "expand") return layoutCall(expression, given, frame);
  if (!isOpName(name) || opEntry(name).internal) throw new Error(`expand: no op or block ${name}, which check should have found`);
  return callOp(expression, name, given, frame);
}

function layoutCall(expression: CallExpression, given: readonly Expression[], frame: Frame): TensorStatic {
  const named = (name: string) => expression.arguments.find((argument) => argument.name?.name === name)?.value;
  const [value, list] = [given[0] ?? named("x"), given[1] ?? named("axes")];
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

function callOp(expression: CallExpression, op: OpName, given: readonly Expression[], frame: Frame): TensorStatic {
  const entry = opEntry(op);
  const { signature } = entry;
  const inputs = signature.inputs.flatMap((input, i) => tensorsOf(given[i], input, expression, frame));
  const { attributes, ints } = readAttributes(expression, entry, given.slice(signature.inputs.length), frame);
  const types = inputs.map((tensor) => tensor.type);
  const inferred = entry.infer(types, attributes);
  if (isProblem(inferred)) return refuse(inferred, expression, signature, given, frame);

  const owned = entry.weights?.(types, attributes) ?? [];
  if (owned.length > 0 && expression.label === undefined) return fail(frame, "unnamed-weight", expression.callSpan, { op: signature.name });
  const inside = labelled(frame, expression.label);
  const { builder, precision } = frame.expansion;
  const weights = owned.map(({ name, shape, init }) =>
    newWeight(inside, expression.callSpan, join(inside.path, name), { dtype: precision, axes: shape.map(plainAxis) }, init),
  );
  const type: AxisType = { dtype: inferred.dtype, axes: inferred.axes.map((axis) => renamed(axis, ints)) };
  const ids = [...inputs.map((tensor) => tensor.id), ...weights];
  spend(frame, expression.callSpan, "values", ids.length);
  const id = builder.op(op, ids, attributes, originAt(inside, expression.span), newValue(frame, expression.callSpan, type));
  return { kind: "tensor", id, type };
}

/** A result's axis that only its size is known of takes the name of the number in the call that made it: `conv2d(C)` makes axis C. */
function renamed(axis: Axis, ints: readonly IntStatic[]): Axis {
  const plain = axis.factors.length === 1 && axis.factors[0]?.name === String(axis.size);
  const source = plain ? ints.find((number) => number.factors !== undefined && number.value === axis.size) : undefined;
  return source?.factors === undefined ? axis : { size: axis.size, factors: source.factors };
}

function tensorsOf(
  expression: Expression | undefined,
  input: OpSignature["inputs"][number],
  call: CallExpression,
  frame: Frame,
): TensorStatic[] {
  if (expression === undefined) {
    const named = call.arguments.find((argument) => argument.name?.name === input.name);
    if (named === undefined)
      throw new Error(`expand: input ${input.name} of ${call.callee.name} is missing, which check should have found`);
    return tensorsOf(named.value, input, call, frame);
  }
  if (!input.list) return [evaluateTensor(expression, frame)];
  return itemsOf(frame, expression.span, evaluateList(expression, frame)).map((item) =>
    item.kind === "tensor" ? item : fail(frame, "wrong-kind", expression.span, { expected: "a list of tensors", found: describe(item) }),
  );
}

/** What the signature promises of each attribute, `attributeValue` has seen to. */
function readAttributes(
  expression: CallExpression,
  { signature, takesPrecision }: OpEntry,
  positional: readonly Expression[],
  frame: Frame,
): { readonly attributes: Attributes; readonly ints: readonly IntStatic[] } {
  const attributes: { [name: string]: AttributeValue } = {};
  const ints: IntStatic[] = [];
  for (const [i, attribute] of signature.attributes.entries()) {
    const named = expression.arguments.find((argument) => argument.name?.name === attribute.name);
    const value = named?.value ?? positional[i];
    if (value !== undefined) attributes[attribute.name] = attributeValue(attribute, value, ints, frame);
    else if (attribute.default !== undefined) attributes[attribute.name] = attribute.default;
    else throw new Error(`expand: attribute ${attribute.name} of ${signature.name} is missing, which check should have found`);
  }
  if (takesPrecision) attributes.dtype = frame.expansion.precision;
  return { attributes: attributes as unknown as Attributes, ints };
}

function attributeValue(attribute: AttributeSignature, expression: Expression, ints: IntStatic[], frame: Frame): AttributeValue {
  if (attribute.kind === "ints") return intsOf(expression, frame).map((number) => number.value);
  const value = evaluate(expression, frame);
  if (attribute.kind === "int" && value.kind === "int" && Math.abs(value.value) <= mostSize) {
    ints.push(value);
    return value.value;
  }
  if (attribute.kind === "float" && (value.kind === "int" || value.kind === "float")) return value.value;
  if (attribute.kind === "bool" && value.kind === "bool") return value.value;
  if (typeof attribute.kind === "object" && value.kind === "string" && attribute.kind.oneOf.includes(value.value)) return value.value;
  const expected =
    typeof attribute.kind === "object"
      ? `one of ${attribute.kind.oneOf.map((choice) => JSON.stringify(choice)).join(", ")}`
      : attribute.kind === "int"
        ? `an int up to ${mostSize}`
        : `a value of kind ${attribute.kind}`;
  return fail(frame, "wrong-kind", expression.span, { expected: `\`${attribute.name}\`: ${expected}`, found: describe(value) });
}

function refuse(problem: ShapeProblem, call: CallExpression, signature: OpSignature, given: readonly Expression[], frame: Frame): never {
  const { at, code, message, hint } = problem;
  if (at === "call") return fail(frame, code, call.callSpan, { message }, { hint });
  if ("input" in at) return fail(frame, code, given[at.input]?.span ?? call.callSpan, { message }, { hint });
  const index = signature.inputs.length + signature.attributes.findIndex((attribute) => attribute.name === at.attribute);
  const argument = call.arguments.find(({ name }) => name?.name === at.attribute);
  const value = argument?.value ?? given[index];
  const source = value && frame.expansion.sourceOf(originAt(frame, call.span), { name: at.attribute, index });
  const decidedAt = source?.start === value?.span.start && source?.file === value?.span.file ? undefined : source;
  return fail(frame, code, argument?.span ?? value?.span ?? call.callSpan, { message }, { hint, decidedAt });
}
