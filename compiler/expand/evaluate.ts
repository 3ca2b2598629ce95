/** Evaluates an expression of the language: compile-time values are computed, tensors become values of the graph. */

import type { Expression, MethodExpression } from "../../dsl/index.ts";
import { binary, unary } from "./arithmetic.ts";
import { enter, type Frame, fail, leave, nested, spend } from "./frame.ts";
import { describe, type IntStatic, int, ListStatic, record, type Static, type TensorStatic } from "./static.ts";

export function evaluate(expression: Expression, frame: Frame): Static {
  enter(frame, expression.span);
  const value = evaluateForm(expression, frame);
  frame.expansion.recorder?.saw(expression, value, frame);
  leave(frame);
  return value;
}

function evaluateForm(expression: Expression, frame: Frame): Static {
  switch (expression.kind) {
    case "number":
      return expression.float ? { kind: "float", value: expression.value } : int(expression.value);
    case "string":
      return { kind: "string", value: expression.value };
    case "bool":
      return { kind: "bool", value: expression.value };
    case "name":
      return lookUp(expression.name, frame);
    case "list":
      return listOf(
        expression.items.map((item) => evaluate(item, frame)),
        expression,
        frame,
      );
    case "record":
      return nested(
        frame,
        expression.span,
        record(new Map(expression.fields.map((field) => [field.name.name, evaluate(field.value, frame)]))),
      );
    case "unary":
      return unary(expression, evaluate(expression.operand, frame), frame);
    case "binary": {
      if (expression.operator === "&&" || expression.operator === "||") {
        const left = evaluateBool(expression.left, frame);
        if (left === (expression.operator === "||")) return { kind: "bool", value: left };
        return { kind: "bool", value: evaluateBool(expression.right, frame) };
      }
      return binary(expression, evaluate(expression.left, frame), evaluate(expression.right, frame), frame);
    }
    case "conditional":
      return evaluate(evaluateBool(expression.test, frame) ? expression.then : expression.otherwise, frame);
    case "call":
      return frame.expansion.call(expression, frame);
    case "member":
      return member(evaluate(expression.object, frame), expression.property.name, expression, frame);
    case "index": {
      const list = evaluateList(expression.object, frame);
      const index = evaluateInt(expression.index, frame).value;
      const item = list.at(index);
      if (item === undefined) return fail(frame, "out-of-range", expression.index.span, { index, length: list.length });
      return item;
    }
    case "method":
      return method(expression, frame);
  }
}

export function lookUp(name: string, frame: Frame): Static {
  const value = frame.scope.lookUp(name) ?? frame.expansion.globals.lookUp(name, frame.file);
  if (value === undefined) throw new Error(`expand: ${name} is not in scope, which check should have found`);
  return value;
}

export function evaluateBool(expression: Expression, frame: Frame): boolean {
  const value = evaluate(expression, frame);
  if (value.kind !== "bool") return fail(frame, "wrong-kind", expression.span, { expected: "a bool", found: describe(value) });
  return value.value;
}

export function evaluateInt(expression: Expression, frame: Frame): IntStatic {
  const value = evaluate(expression, frame);
  if (value.kind !== "int") return fail(frame, "wrong-kind", expression.span, { expected: "an int", found: describe(value) });
  return value;
}

export function evaluateTensor(expression: Expression, frame: Frame): TensorStatic {
  const value = evaluate(expression, frame);
  if (value.kind !== "tensor") return fail(frame, "wrong-kind", expression.span, { expected: "a tensor", found: describe(value) });
  return value;
}

export function evaluateList(expression: Expression, frame: Frame): ListStatic {
  const value = evaluate(expression, frame);
  if (value.kind !== "list") return fail(frame, "wrong-kind", expression.span, { expected: "a list", found: describe(value) });
  return value;
}

function member(object: Static, property: string, expression: Expression, frame: Frame): Static {
  if (object.kind === "list" && property === "length") return int(object.length);
  const value = object.kind === "record" ? object.fields.get(property) : undefined;
  if (value === undefined)
    return fail(frame, "wrong-kind", expression.span, { expected: `a record with \`${property}\``, found: describe(object) });
  return value;
}

function listOf(items: readonly Static[], expression: Expression, frame: Frame): ListStatic {
  spend(frame, expression.span, "items", items.length);
  return nested(frame, expression.span, ListStatic.of(items));
}

/** `push` and `pop` give the variable another list. */
function method(expression: MethodExpression, frame: Frame): Static {
  const list = evaluateList(expression.object, frame);
  switch (expression.method.name) {
    case "reversed":
      return listOf([...list.items].reverse(), expression, frame);
    case "min":
    case "max":
      return extreme(list, expression, frame);
    case "push": {
      const [item] = expression.arguments;
      if (item === undefined) throw new Error("expand: push without an item, which check should have found");
      const pushed = nested(frame, expression.span, list.push(evaluate(item, frame)));
      spend(frame, expression.span, "items");
      frame.scope.assign(variableOf(expression), pushed);
      return pushed;
    }
    case "pop": {
      const last = list.at(list.length - 1);
      if (last === undefined) return fail(frame, "empty-list", expression.span, { operation: `${variableOf(expression)}.pop()` });
      frame.scope.assign(variableOf(expression), list.pop());
      return last;
    }
    default:
      throw new Error(`expand: lists have no method ${expression.method.name}, which check should have found`);
  }
}

/** The first of the least or greatest numbers of a list. */
function extreme(list: ListStatic, expression: MethodExpression, frame: Frame): Static {
  spend(frame, expression.span, "items", list.length);
  let found: NumberStatic | undefined;
  for (const item of list.items) {
    if (item.kind !== "int" && item.kind !== "float")
      return fail(frame, "wrong-kind", expression.object.span, { expected: "a list of numbers", found: describe(item) });
    const wins = found === undefined || (expression.method.name === "min" ? item.value < found.value : item.value > found.value);
    if (wins) found = item;
  }
  return found ?? fail(frame, "empty-list", expression.span, { operation: `${expression.method.name}()` });
}

type NumberStatic = Extract<Static, { readonly kind: "int" | "float" }>;

function variableOf(expression: MethodExpression): string {
  if (expression.object.kind !== "name") throw new Error("expand: push and pop need a variable, which check should have found");
  return expression.object.name;
}
