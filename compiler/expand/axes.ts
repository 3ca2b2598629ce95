/** Axes of declared types to sizes, in the scope that each was written in. */

import { type Expression, isAnyAxis } from "../../dsl/index.ts";
import { mostSize } from "../graph/graph.ts";
import { evaluate } from "./evaluate.ts";
import { enter, type Frame, fail, leave, Scope } from "./frame.ts";
import { describe, type IntStatic, nameOf, type Static } from "./static.ts";
import type { AxisExpression } from "./types.ts";

/** The size of an axis: names of a `type`'s parameters stand for the axes given to it, all others are read where the axis was written. */
export function axisExpressionSize(axis: AxisExpression, frame: Frame): IntStatic {
  const value = named(axis, frame) ?? evaluate(axis.expression, frameOf(axis, frame));
  if (value.kind !== "int") return fail(frame, "wrong-kind", axis.expression.span, { expected: "an int", found: describe(value) });
  if (value.value < 1 || value.value > mostSize)
    return fail(frame, "bad-size", axis.expression.span, { axis: nameOf(value), size: value.value });
  return value;
}

/** The value of an axis that is a name, as most are, found without a frame of its own; undefined for all others, and where all that is evaluated is heard. */
function named({ expression, file, parameters }: AxisExpression, frame: Frame): Static | undefined {
  if (expression.kind !== "name" || frame.expansion.recorder !== undefined || (parameters?.size ?? 0) > 0) return undefined;
  enter(frame, expression.span);
  const own = parameters === undefined ? frame.scope.lookUp(expression.name) : undefined;
  const value = own ?? frame.expansion.globals.lookUp(expression.name, file);
  leave(frame);
  return value;
}

function frameOf({ file, parameters }: AxisExpression, frame: Frame): Frame {
  if (parameters === undefined && file === frame.file) return frame;
  return { ...frame, file, scope: parameters === undefined ? frame.scope : aliasScope(parameters, frame) };
}

/** The body of a `type` sees its parameters and its own file, never the names of the block that uses it. */
function aliasScope(parameters: ReadonlyMap<string, AxisExpression>, frame: Frame): Scope {
  const scope = new Scope();
  for (const [name, axis] of parameters) if (!isAnyAxis(axis.expression)) scope.declare(name, axisExpressionSize(axis, frame));
  return scope;
}

/** The name of an axis that is nothing but a name of the block's own signature: such a dim is bound by the argument. */
export function bareName(axis: AxisExpression): string | undefined {
  const expression: Expression = axis.expression;
  return axis.parameters === undefined && expression.kind === "name" ? expression.name : undefined;
}
