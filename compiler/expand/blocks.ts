/** Calls of blocks: dims bound by the shapes of the arguments, the body run inside, the result's axes named as the caller knows them. */

import type { BlockDeclaration, CallExpression, Parameter } from "../../dsl/index.ts";
import { type Axis, axisName, showAxes } from "../graph/axis.ts";
import type { ValueId } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import { axisExpressionSize, bareName } from "./axes.ts";
import { runBody } from "./body.ts";
import { spendings } from "./budget.ts";
import { evaluate } from "./evaluate.ts";
import { type Frame, fail, labelled, newValue, Scope, sourceAt, spend } from "./frame.ts";
import { namedDim } from "./globals.ts";
import { tensorsOf } from "./known-calls.ts";
import { bodyOrFailed, promised } from "./recovery.ts";
import { axisOf, describe, int, type Static, type TensorStatic } from "./static.ts";
import { dtypeOf, fits, showType, signatureShape, type TensorShape } from "./types.ts";

interface TensorParameter {
  readonly parameter: Parameter;
  readonly shape: TensorShape;
  readonly value: TensorStatic;
}

export function callBlock(call: CallExpression, block: BlockDeclaration, file: string, caller: Frame): TensorStatic {
  const given = matchArguments(call, block, caller);
  const { known, builder, budget, faults, reads } = caller.expansion;
  // Each list is looked at whole: for the key, and for whether it is of the parameter's type.
  for (const value of given.values()) if (value.kind === "list") spend(caller, call.callSpan, "items", value.length);
  const key = known?.keyOf(`${file} ${block.name.name}`, given);
  const before = key === undefined ? undefined : known?.get(key);
  if (before !== undefined) {
    for (const [what, amount] of spendings(before.cost)) spend(caller, call.callSpan, what, amount);
    const id = builder.input(call.callee.name, newValue(caller, call.callSpan, before.type), []);
    reads.addStandIn(
      id,
      before.reads.map((name) => (given.get(name) as TensorStatic).id),
    );
    known?.leaveOut(id, before, given);
    if (before.doubtful) faults.promises++;
    return { kind: "tensor", id, type: before.type };
  }
  const spent = budget.spent();
  const { promises } = faults;
  const inside: Frame = {
    ...labelled(caller, call.label),
    file,
    scope: new Scope(),
    expandedFrom: [{ block: block.name.name, span: call.callSpan }, ...caller.expandedFrom],
  };
  // The caller's names for the same dims and parameters: the result's axes are read with these.
  const outside: Frame = { ...inside, scope: new Scope() };

  const parameters = bindDims(call, block, given, inside, outside);
  bindParameters(block, given, inside, outside);
  for (const parameter of parameters) declareTensor(call, block, parameter, inside);

  const axesOutside = () => resultShape(block, file, inside).axes.map((axis) => axisOf(axisExpressionSize(axis, outside)));
  const returned = bodyOrFailed(inside, () => runBody(block.body, inside));
  const tensors = tensorsOf(given);
  const keep = (type: AxisType, result: ValueId, read: () => readonly string[]): TensorStatic => {
    const cost = budget.spent(spent);
    if (key !== undefined) known?.set(key, { type, cost, reads: read(), result, doubtful: faults.promises > promises, tensors });
    return { kind: "tensor", id: result, type };
  };
  if (returned === "failed") {
    const dtype = dtypeOf(resultShape(block, file, inside).dtype, caller.expansion.precision);
    const type = promised(caller, () => ({ dtype, axes: axesOutside() }));
    return keep(type, builder.input(call.callee.name, newValue(caller, call.callSpan, type), []), () => []);
  }
  if (returned === undefined) throw new Error(`expand: ${block.name.name} ends without return, which check should have found`);
  checkResult(block.name.name, returned.value, resultShape(block, file, inside), returned.expression.span, inside);
  const type = { dtype: returned.value.type.dtype, axes: axesOutside() };
  const { id } = returned.value;
  return keep(type, id, () => readParameters(id, given, inside));
}

function readParameters(result: ValueId, given: ReadonlyMap<string, Static>, inside: Frame): string[] {
  const tensors = [...given].flatMap(([name, value]) => (value.kind === "tensor" ? [[name, value.id] as const] : []));
  const read = inside.expansion.reads.readBy(result, new Set(tensors.map(([, id]) => id)));
  return tensors.flatMap(([name, id]) => (read.has(id) ? [name] : []));
}

function matchArguments(call: CallExpression, block: BlockDeclaration, caller: Frame): Map<string, Static> {
  const given = new Map<string, Static>();
  const positional = [
    ...(call.piped === undefined ? [] : [call.piped]),
    ...call.arguments.filter((argument) => argument.name === undefined).map((argument) => argument.value),
  ];
  for (const [i, expression] of positional.entries()) {
    const parameter = block.parameters[i];
    if (parameter === undefined) throw new Error(`expand: too many arguments of ${block.name.name}, which check should have found`);
    given.set(parameter.name.name, evaluate(expression, caller));
  }
  for (const argument of call.arguments) if (argument.name !== undefined) given.set(argument.name.name, evaluate(argument.value, caller));
  return given;
}

/** Finds the tensor arguments and gives each dim in `<>` the size of the axis that it stands for. */
function bindDims(
  call: CallExpression,
  block: BlockDeclaration,
  given: ReadonlyMap<string, Static>,
  inside: Frame,
  outside: Frame,
): TensorParameter[] {
  const dims = new Set(block.dims.map((dim) => dim.name));
  const tensors: TensorParameter[] = [];
  for (const parameter of block.parameters) {
    const shape = signatureShape(inside.expansion.program, parameter.type, inside.file);
    if (shape === undefined) continue;
    const value = given.get(parameter.name.name);
    const names = { parameter: parameter.name.name, block: block.name.name };
    if (value?.kind !== "tensor") {
      const found = value === undefined ? "missing" : describe(value);
      return fail(inside, "wrong-kind", call.callSpan, { expected: `a tensor for \`${names.parameter}\``, found });
    }
    if (value.type.axes.length !== shape.axes.length) {
      const expected = `[${shape.axes.map((axis) => bareName(axis) ?? sourceAt(axis.expression.span, inside)).join(", ")}]`;
      return fail(inside, "argument-rank", call.callSpan, { ...names, expected, found: showAxes(value.type.axes) });
    }
    const dtype = dtypeOf(shape.dtype, inside.expansion.precision);
    if (value.type.dtype !== dtype) {
      return fail(inside, "argument-dtype", call.callSpan, { ...names, expected: shape.dtype, found: value.type.dtype });
    }
    for (const [i, axis] of shape.axes.entries()) {
      const name = bareName(axis);
      const found = value.type.axes[i] as Axis;
      if (name === undefined || !dims.delete(name)) continue;
      inside.scope.declare(name, namedDim(name, found.size));
      outside.scope.declare(name, int(found.size, found.factors));
    }
    tensors.push({ parameter, shape, value });
  }
  return tensors;
}

/** Compile-time parameters. Inside, a number that the caller gave is an axis by the parameter's own name; a default keeps the names it is made of. */
function bindParameters(block: BlockDeclaration, given: ReadonlyMap<string, Static>, inside: Frame, outside: Frame): void {
  const { program } = inside.expansion;
  for (const parameter of block.parameters) {
    const name = parameter.name.name;
    if (signatureShape(program, parameter.type, inside.file) !== undefined) continue;
    const value = given.get(name);
    if (value !== undefined) {
      if (!fits(program, value, parameter.type, inside.file)) {
        return fail(inside, "wrong-kind", parameter.span, { expected: `\`${name}\`: ${showType(parameter.type)}`, found: describe(value) });
      }
      inside.scope.declare(name, value.kind === "int" ? namedDim(name, value.value) : value);
      outside.scope.declare(name, value);
    } else if (parameter.value !== undefined) {
      inside.scope.declare(name, evaluate(parameter.value, inside));
      outside.scope.declare(name, evaluate(parameter.value, outside));
    } else throw new Error(`expand: argument ${name} of ${block.name.name} is missing, which check should have found`);
  }
}

/** Checks each axis of a tensor argument against its type, and names the axes as the body knows them. */
function declareTensor(call: CallExpression, block: BlockDeclaration, { parameter, shape, value }: TensorParameter, inside: Frame): void {
  const axes = shape.axes.map((axis, i) => {
    const expected = axisOf(axisExpressionSize(axis, inside));
    const found = value.type.axes[i] as Axis;
    if (found.size === expected.size) return expected;
    return fail(
      inside,
      "argument-shape",
      argumentSpan(call, block, parameter),
      { parameter: parameter.name.name, block: block.name.name, axis: axisName(expected), expected: expected.size, found: found.size },
      { related: [{ message: `\`${parameter.name.name}\` declared here`, span: parameter.span }] },
    );
  });
  inside.scope.declare(parameter.name.name, { kind: "tensor", id: value.id, type: { dtype: value.type.dtype, axes } });
}

function argumentSpan(call: CallExpression, block: BlockDeclaration, parameter: Parameter) {
  const named = call.arguments.find((argument) => argument.name?.name === parameter.name.name);
  if (named !== undefined) return named.value.span;
  const positional = [call.piped, ...call.arguments.filter((argument) => argument.name === undefined).map((argument) => argument.value)];
  const expressions = call.piped === undefined ? positional.slice(1) : positional;
  return expressions[block.parameters.indexOf(parameter)]?.span ?? call.callSpan;
}

function resultShape(block: BlockDeclaration, file: string, frame: Frame): TensorShape {
  const shape = signatureShape(frame.expansion.program, block.result, file);
  if (shape === undefined) throw new Error(`expand: ${block.name.name} returns no tensor, which check should have found`);
  return shape;
}

/** The returned tensor against the promised type; shared with graphs. */
export function checkResult(name: string, value: TensorStatic, promised: TensorShape, span: CallExpression["span"], frame: Frame): void {
  const expected = promised.axes.map((axis) => axisOf(axisExpressionSize(axis, frame)));
  if (expected.length !== value.type.axes.length) {
    return fail(frame, "result-rank", span, { block: name, expected: showAxes(expected), found: showAxes(value.type.axes) });
  }
  for (const [i, axis] of expected.entries()) {
    const found = (value.type.axes[i] as Axis).size;
    if (axis.size !== found) return fail(frame, "result-shape", span, { block: name, axis: axisName(axis), expected: axis.size, found });
  }
}
