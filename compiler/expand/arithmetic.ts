/** Operators of the language: numbers, text and bools now, tensors as ops of the graph. */

import type { BinaryExpression, BinaryOperator, Span, UnaryExpression } from "../../dsl/index.ts";
import type { Factor } from "../graph/axis.ts";
import type { DType } from "../graph/graph.ts";
import { isProblem } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";
import { type Frame, fail, newValue, originAt, sourceAt, spend } from "./frame.ts";
import { describe, type IntStatic, int, nameOf, type Static, sameStatic, type TensorStatic } from "./static.ts";

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

/** Whole numbers stay whole and exact: a division must come out, a power must not be negative, no result leaves 2^53. Named axes keep their names. */
function intBinary(expression: BinaryExpression, left: IntStatic, right: IntStatic, frame: Frame): Static {
  const { operator } = expression;
  if ((operator === "/" || operator === "%") && (right.value === 0 || (operator === "/" && left.value % right.value !== 0))) {
    return fail(frame, "inexact-division", expression.span, {
      operation: `${grouped(left, operator)} ${operator} ${grouped(right, operator)}`,
      dividend: left.value,
      divisor: right.value,
    });
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
  return int(result, factorsOf(operator, left, right, result));
}

/** A name that no one would read is none: the axes in it can then be found by size alone. */
const longest = { name: 200, factors: 16 };

function factorsOf(operator: BinaryOperator, left: IntStatic, right: IntStatic, result: number): readonly Factor[] | undefined {
  if (left.factors === undefined && right.factors === undefined) return undefined;
  if ((operator === "*" || operator === "/") && right.value === 1 && right.factors === undefined) return left.factors;
  if (operator === "*" && left.factors !== undefined && right.factors !== undefined) {
    return left.factors.length + right.factors.length > longest.factors ? undefined : [...left.factors, ...right.factors];
  }
  const name = `${grouped(left, operator)} ${operator} ${grouped(right, operator)}`;
  return name.length > longest.name ? undefined : [{ name, size: result }];
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

/** A number as a tensor of the other side's rank, every axis of size 1. */
function scalarLike(value: number, like: TensorStatic, span: Span, frame: Frame): TensorStatic {
  const { dtype } = like.type;
  const { shown, holds } = ranges[dtype];
  if (!holds(value)) return fail(frame, "no-such-number", span, { value, dtype, range: shown });
  const type = { dtype, axes: like.type.axes.map(() => ({ size: 1, factors: [] })) };
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
