/** Operators of the language: numbers, text and bools now, tensors as ops of the graph. */

import type { BinaryExpression, BinaryOperator, Span, UnaryExpression } from "../../dsl/index.ts";
import { Axis, axisOfForm, type Factor, isUnread, plainAxis } from "../graph/axis.ts";
import type { DType } from "../graph/graph.ts";
import { Form, SizeName } from "../graph/size-form.ts";
import { isProblem } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";
import { type Frame, fail, newValue, originAt, sourceAt, spend } from "./frame.ts";
import { axisOf, describe, type IntStatic, int, nameOf, type Static, sameStatic, type TensorStatic } from "./static.ts";

type ArithmeticName = "add" | "sub" | "mul" | "div";

const tensorOps: { readonly [operator: string]: ArithmeticName } = { "+": "add", "-": "sub", "*": "mul", "/": "div" };

export function binary(expression: BinaryExpression, left: Static, right: Static, frame: Frame): Static {
  const { operator } = expression;
  if (operator === "==" || operator === "!=") {
    const same = sameStatic(left, right, () => spend(frame, expression.span, "items"));
    if (same !== undefined) return { kind: "bool", value: same === (operator === "==") };
    const found = `${describe(left)} and ${describe(right)}, with tensors among them`;
    return fail(frame, "wrong-kind", expression.span, { expected: "two values that are known when the model is built", found });
  }
  if (left.kind === "tensor" || right.kind === "tensor") return tensorBinary(expression, left, right, frame);
  if (left.kind === "string" && right.kind === "string" && operator === "+") {
    const length = left.value.length + right.value.length;
    if (length > 10_000)
      return fail(frame, "wrong-kind", expression.span, { expected: "a string of at most 10000 characters", found: `one of ${length}` });
    return { kind: "string", value: left.value + right.value };
  }
  if (left.kind === "int" && right.kind === "int") return intBinary(expression, left, right, frame);
  if ((left.kind === "int" || left.kind === "float") && (right.kind === "int" || right.kind === "float")) {
    const result = numeric(operator, left.value, right.value);
    if (typeof result === "boolean") return { kind: "bool", value: result };
    if (Number.isFinite(result)) return { kind: "float", value: result };
    return fail(frame, "not-finite", expression.span, { operation: `${left.value} ${operator} ${right.value}` });
  }
  return fail(frame, "wrong-kind", expression.span, {
    expected: `two numbers for \`${operator}\``,
    found: `${describe(left)} and ${describe(right)}`,
  });
}

export function unary(expression: UnaryExpression, operand: Static, frame: Frame): Static {
  if (expression.operator === "!") {
    if (operand.kind !== "bool")
      return fail(frame, "wrong-kind", expression.operand.span, { expected: "a bool", found: describe(operand) });
    return { kind: "bool", value: !operand.value };
  }
  if (operand.kind === "int") return int(-operand.value);
  if (operand.kind === "float") return { kind: "float", value: -operand.value };
  if (operand.kind === "tensor") return emitBinary("mul", operand, scalarLike(-1, operand, expression.span, frame), expression, frame);
  return fail(frame, "wrong-kind", expression.operand.span, { expected: "a number or a tensor", found: describe(operand) });
}

function numeric(operator: BinaryOperator, a: number, b: number): number | boolean {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "**":
      return a ** b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "==":
    case "!=":
    case "&&":
    case "||":
      throw new Error(`expand: \`${operator}\` is no operator of numbers alone, and is handled before`);
  }
}

/** Whole numbers stay whole and exact: a division must come out, a power must not be negative, no result leaves 2^53. What is made of names has a name. */
function intBinary(expression: BinaryExpression, left: IntStatic, right: IntStatic, frame: Frame): Static {
  const { operator } = expression;
  if ((operator === "/" || operator === "%") && (right.value === 0 || (operator === "/" && left.value % right.value !== 0))) {
    const operation = `${grouped(left, operator)} ${operator} ${grouped(right, operator)}`;
    const hint = right.value === 0 ? undefined : `\`div(${nameOf(left)}, ${nameOf(right)})\` is rounded down`;
    return fail(frame, "inexact-division", expression.span, { operation, dividend: left.value, divisor: right.value }, { hint });
  }
  if (operator === "**" && right.value < 0) {
    const holes = { operation: `${grouped(left, operator)} ** ${right.value}` };
    return fail(frame, "negative-power", expression.span, holes, { hint: `raise a float: \`${left.value}.0 ** ${right.value}\`` });
  }
  const result = numeric(operator, left.value, right.value);
  if (typeof result === "boolean") return { kind: "bool", value: result };
  if (!Number.isSafeInteger(result)) {
    const operation = `${grouped(left, operator)} ${operator} ${grouped(right, operator)}`;
    return fail(frame, "int-overflow", expression.span, { operation, result }, { hint: "compute with floats: `2.0`" });
  }
  return int(result, axisOfResult(operator, left, right, result));
}

/** More factors and terms than anyone would read are none: the axis can then be found by its size alone. */
const most = { factors: 16, terms: 16 };

function axisOfResult(operator: BinaryOperator, left: IntStatic, right: IntStatic, result: number): Axis | undefined {
  if (left.axis === undefined && right.axis === undefined) return undefined;
  const neutral = operator === "*" || operator === "/" ? 1 : operator === "+" || operator === "-" ? 0 : undefined;
  if (right.value === neutral && right.axis === undefined) return left.axis;
  if (operator === "*" && left.value === neutral && left.axis === undefined) return right.axis;
  const operation = right.axis === undefined ? `${operator} number` : operator;
  return axisOf(left).with(operation, axisOf(right), () => makeAxis(operator, left, right, result));
}

function makeAxis(operator: BinaryOperator, left: IntStatic, right: IntStatic, result: number): Axis | undefined {
  const [one, two] = [axisOf(left), axisOf(right)];
  if (operator === "*") return product([...one.factors, ...two.factors], result);
  if (operator === "**" && right.axis === undefined && right.value <= most.factors) {
    return product(new Array<readonly Factor[]>(right.value).fill(one.factors).flat(), result);
  }
  const form = formOfResult(operator, one.form, two.form);
  if (form !== undefined && form.terms.length > most.terms) return undefined;
  const name = `${grouped(left, operator)} ${operator} ${grouped(right, operator)}`;
  const axis = axisOfForm(form ?? Form.named(new SizeName(name, result)), result);
  return axis.plain ? undefined : axis;
}

function product(factors: readonly Factor[], size: number): Axis | undefined {
  const terms = factors.reduce((terms, factor) => terms * factor.form.terms.length, 1);
  return factors.length > most.factors || terms > most.terms || isUnread(factors) ? undefined : new Axis(size, factors);
}

function formOfResult(operator: BinaryOperator, left: Form, right: Form): Form | undefined {
  if (operator === "+" || operator === "-") return left.plus(right, operator === "+" ? 1 : -1);
  return operator === "/" ? left.dividedBy(right) : undefined;
}

function grouped(number: IntStatic, operator: BinaryOperator): string {
  const name = nameOf(number);
  return name.includes(" ") && operator !== "+" ? `(${name})` : name;
}

function tensorBinary(expression: BinaryExpression, left: Static, right: Static, frame: Frame): Static {
  const op = tensorOps[expression.operator];
  if (op === undefined) {
    return fail(frame, "wrong-kind", expression.span, {
      expected: "compile-time values",
      found: `${describe(left)} and ${describe(right)}`,
    });
  }
  if (left.kind === "tensor" && right.kind === "tensor") return emitBinary(op, left, right, expression, frame);
  if (left.kind === "tensor" && (right.kind === "int" || right.kind === "float")) {
    if (op === "div" && ranges[left.type.dtype].isZero(right.value)) {
      const divisor = sourceAt(expression.right.span, frame);
      return fail(frame, "zero-divisor", expression.span, { divisor, value: right.value, dtype: left.type.dtype });
    }
    return emitBinary(op, left, scalarLike(right.value, left, expression.right.span, frame), expression, frame);
  }
  if (right.kind === "tensor" && (left.kind === "int" || left.kind === "float")) {
    return emitBinary(op, scalarLike(left.value, right, expression.left.span, frame), right, expression, frame);
  }
  const other = left.kind === "tensor" ? right : left;
  return fail(frame, "wrong-kind", expression.span, { expected: "a tensor or a number on both sides", found: describe(other) });
}

/** What a number must be to be one of a tensor's: rounding it is no surprise, changing it to another is. And what of them becomes zero. */
const ranges: {
  readonly [D in DType]: {
    readonly shown: string;
    readonly holds: (value: number) => boolean;
    readonly isZero: (value: number) => boolean;
  };
} = {
  f32: {
    shown: "numbers up to 3.4e38",
    holds: (value) => Number.isFinite(Math.fround(value)),
    isZero: (value) => Math.fround(value) === 0,
  },
  // Half of the smallest number, 2^-24, is rounded to the even neighbour, which is zero.
  f16: { shown: "numbers up to 65504", holds: (value) => Math.abs(value) < 65520, isZero: (value) => Math.abs(value) <= 2 ** -25 },
  i32: {
    shown: "whole numbers from -2147483648 to 2147483647",
    holds: (value) => value === (value | 0),
    isZero: (value) => value === 0,
  },
};

/** Fails where a number is none of the element type. */
export function refuseNumber(value: number, dtype: DType, span: Span, frame: Frame): void {
  const { shown, holds } = ranges[dtype];
  if (!holds(value)) fail(frame, "no-such-number", span, { value, dtype, range: shown });
}

/** A number as a tensor of the other side's rank, every axis of size 1. */
function scalarLike(value: number, like: TensorStatic, span: Span, frame: Frame): TensorStatic {
  const { dtype } = like.type;
  refuseNumber(value, dtype, span, frame);
  const type = { dtype, axes: like.type.axes.map(() => plainAxis(1)) };
  return { kind: "tensor", type, id: frame.expansion.builder.constant(newValue(frame, span, type), [value]) };
}

function emitBinary(
  op: ArithmeticName,
  left: TensorStatic,
  right: TensorStatic,
  expression: BinaryExpression | UnaryExpression,
  frame: Frame,
): TensorStatic {
  const type = opEntry(op).infer([left.type, right.type], {});
  if (isProblem(type)) {
    return fail(
      frame,
      type.code,
      expression.span,
      { message: type.message },
      { hint: type.hint ?? widthHint(left, right, expression, frame) },
    );
  }
  const id = frame.expansion.builder.op(
    op,
    [left.id, right.id],
    {},
    originAt(frame, expression.span),
    newValue(frame, expression.span, type),
  );
  return { kind: "tensor", id, type };
}

/** Where only the number of channels differs, the layer that brings the right side to the left's, ready to be pasted. */
function widthHint(
  left: TensorStatic,
  right: TensorStatic,
  expression: BinaryExpression | UnaryExpression,
  frame: Frame,
): string | undefined {
  const [a, b] = [left.type.axes, right.type.axes];
  const differing = a.flatMap((axis, i) => (b[i] !== undefined && b[i].size !== axis.size ? [i] : []));
  const [at] = differing;
  if (expression.kind !== "binary" || a.length !== b.length || at === undefined || differing.length > 1) return undefined;
  const { start, end, file } = expression.right.span;
  const source = frame.expansion.program.files.get(file)?.source.text.slice(start, end);
  const width = a[at]?.size ?? 0;
  const layer =
    at === a.length - 3 && a.length >= 4
      ? `conv2d(${width}, kernel: 1)`
      : at === a.length - 1 && a.length <= 3
        ? `linear(${width})`
        : undefined;
  if (layer === undefined || source === undefined || source.includes("\n")) return undefined;
  return `give the right side the width of the left first: \`(${source} |> ${layer} as skip)\``;
}
