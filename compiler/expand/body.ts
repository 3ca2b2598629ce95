/** Runs the statements of a block or graph at compile time; what is left is the value that it returns. */

import {
  type Expression,
  never,
  type RepeatStatement,
  type RequireStatement,
  type Statement,
  type WeightStatement,
} from "../../dsl/index.ts";
import type { WeightInitialiser } from "../graph/graph.ts";
import { axisExpressionSize } from "./axes.ts";
import { evaluate, evaluateBool } from "./evaluate.ts";
import { below, enter, type Frame, fail, itemsOf, leave, Scope, spend } from "./frame.ts";
import { inRound } from "./labels.ts";
import { recovering } from "./recovery.ts";
import { axisOf, constant, describe, int, type Static, type TensorStatic } from "./static.ts";
import { dtypeOf, signatureShape } from "./types.ts";
import { newWeight } from "./weights.ts";

/** The returned value, and the expression that returned it; undefined when the statements end without `return`. */
export interface Returned {
  readonly value: Static;
  readonly expression: Expression;
}

export function runBody(statements: readonly Statement[], frame: Frame): Returned | undefined {
  const [first] = statements;
  if (first === undefined) return undefined;
  enter(frame, first.span);
  let returned: Returned | undefined;
  for (const statement of statements) {
    returned = recovering(statement, frame, () => runStatement(statement, frame));
    if (returned !== undefined) break;
  }
  leave(frame);
  return returned;
}

function runStatement(statement: Statement, frame: Frame): Returned | undefined {
  switch (statement.kind) {
    case "const":
      frame.scope.declare(statement.name.name, constant(statement.name.name, evaluate(statement.value, frame)));
      return undefined;
    case "let":
      frame.scope.declare(statement.name.name, evaluate(statement.value, frame));
      return undefined;
    case "assign":
      frame.scope.assign(statement.name.name, evaluate(statement.value, frame));
      return undefined;
    case "if": {
      const branch = evaluateBool(statement.test, frame) ? statement.then : statement.otherwise;
      return branch === undefined ? undefined : runBody(branch, { ...frame, scope: new Scope(frame.scope) });
    }
    case "repeat":
      return runRepeat(statement, frame);
    case "require":
      return runRequire(statement, frame);
    case "weight":
      frame.scope.declare(statement.name.name, declareWeight(statement, frame));
      return undefined;
    case "return":
      return { value: evaluate(statement.value, frame), expression: statement.value };
    case "expression":
      evaluate(statement.value, frame);
      return undefined;
    default:
      return never(statement);
  }
}

function runRepeat(statement: RepeatStatement, frame: Frame): Returned | undefined {
  const range = evaluate(statement.range, frame);
  const { span } = statement.range;
  const rounds = range.kind === "list" ? range.length : range.kind === "int" ? range.value : -1;
  if (rounds < 0) return fail(frame, "wrong-kind", span, { expected: "a list or a number of times", found: describe(range) });
  // Before the first round: that many will be too many.
  spend(frame, span, "steps", rounds);
  const items = range.kind === "list" ? itemsOf(frame, span, range) : undefined;
  frame.expansion.recorder?.repeated(statement, rounds, frame);
  for (let i = 0; i < rounds; i++) {
    const item = items?.[i] ?? int(i);
    const scope = new Scope(frame.scope);
    if (statement.element !== undefined) scope.declare(statement.element.name, item);
    if (statement.index !== undefined) scope.declare(statement.index.name, int(i));
    const returned = runBody(
      statement.body,
      inRound({ ...frame, scope, rounds: [...frame.rounds, { loop: statement, at: i }] }, statement.label, i),
    );
    if (returned !== undefined) return returned;
  }
  return undefined;
}

function runRequire(statement: RequireStatement, frame: Frame): undefined {
  if (evaluateBool(statement.test, frame)) return undefined;
  const names = [...new Set(namesIn(statement.test))];
  const values = names.flatMap((name) => {
    const value = frame.scope.lookUp(name) ?? frame.expansion.globals.lookUp(name, frame.file);
    return value?.kind === "int" || value?.kind === "float" || value?.kind === "string"
      ? [`${name} is ${JSON.stringify(value.value)}`]
      : [];
  });
  return fail(frame, "requirement-failed", statement.test.span, {
    message: statement.message.value,
    values: values.length === 0 ? "" : ` (${values.join(", ")})`,
  });
}

function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case "name":
      return [expression.name];
    case "unary":
      return namesIn(expression.operand);
    case "binary":
      return [...namesIn(expression.left), ...namesIn(expression.right)];
    default:
      return [];
  }
}

function declareWeight(statement: WeightStatement, frame: Frame): TensorStatic {
  const { expansion } = frame;
  const shape = signatureShape(expansion.program, statement.type, frame.file);
  if (shape === undefined) throw new Error("expand: a weight of a compile-time type, which check should have found");
  const axes = shape.axes.map((axis) => axisOf(axisExpressionSize(axis, frame)));
  const type = { dtype: dtypeOf(shape.dtype, expansion.precision), axes };
  const inside = below(frame, statement.name.name, frame.sharesRounds ? "rounds" : "none", statement.name.span);
  expansion.recorder?.weight(statement, axes, frame);
  return { kind: "tensor", type, id: newWeight(inside, statement.span, inside.path, type, initialiser(statement, frame)) };
}

function initialiser(statement: WeightStatement, frame: Frame): WeightInitialiser {
  if (statement.init.kind !== "normal") return { kind: statement.init.kind };
  if (statement.init.deviation === undefined) return { kind: "normal", deviation: 1 };
  const deviation = evaluate(statement.init.deviation, frame);
  if ((deviation.kind === "float" || deviation.kind === "int") && deviation.value >= 0)
    return { kind: "normal", deviation: deviation.value };
  return fail(frame, "wrong-kind", statement.init.span, { expected: "a number of 0 or more", found: describe(deviation) });
}
