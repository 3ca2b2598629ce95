/** Calls of blocks: dims bound by the shapes of the arguments, the body run inside, the result's axes named as the caller knows them. */

import { type BlockDeclaration, type CallExpression, isAnyAxis, type Parameter } from "../../dsl/index.ts";
import { type Axis, showAxes } from "../graph/axis.ts";
import type { ValueId } from "../graph/graph.ts";
import { misplaced } from "../graph/same-axes.ts";
import { bareName } from "./axes.ts";
import { type Returned, runBody } from "./body.ts";
import { spendings } from "./budget.ts";
import { evaluate } from "./evaluate.ts";
import { FollowUp } from "./failure.ts";
import { type Frame, fail, newValue, Scope, sourceAt, spend } from "./frame.ts";
import { givenTo } from "./given.ts";
import type { KnownCall } from "./known-calls.ts";
import { labelled } from "./labels.ts";
import { addPart, weightsOf } from "./parts.ts";
import { bodyOrFailed, promised } from "./recovery.ts";
import { declaredAxes, mapTensors, type TensorPart, type Typed, tensorParts } from "./results.ts";
import { axisOf, describe, int, ListStatic, namedInt, type Static, type TensorStatic, unnamed } from "./static.ts";
import { dtypeOf, fits, showType, signatureForm, type TensorShape } from "./types.ts";

/** A tensor of the arguments. */
interface TensorArgument extends TensorPart {
  readonly parameter: Parameter;
}

/** What the block returns, as the caller knows it. */
export function callBlock(call: CallExpression, block: BlockDeclaration, file: string, caller: Frame): Static {
  const given = matchArguments(call, block, caller);
  const { known, budget, faults } = caller.expansion;
  // Each list is looked at whole: for the key, and for whether it is of the parameter's type.
  for (const value of given.values()) if (value.kind === "list") spend(caller, call.callSpan, "items", value.length);
  const at = labelled(caller, call.label);
  const scope = new Scope();
  const inside: Frame = {
    ...at,
    file,
    scope,
    rounds: [],
    body: { block, path: at.path, argument: (name) => scope.lookUp(name), parts: [] },
    expandedFrom: [{ block: block.name.name, span: call.callSpan }, ...caller.expandedFrom],
  };
  // The caller's names for the same dims and parameters: the result's axes are read with these.
  const outside: Frame = { ...inside, scope: new Scope() };
  const tensors = tensorArguments(call, block, given, inside);
  const ids = tensors.map(({ value }) => value.id);
  const key = known?.keyOf(`${file} ${block.name.name}`, given, ids);
  const before = key === undefined ? undefined : known?.get(key);
  if (before !== undefined) return standIn(call, block, before, ids, inside, caller);

  const spent = budget.spent();
  const { promises } = faults;
  addPart(caller.body, inside.path, inside.body);
  bindDims(call, block, tensors, inside, outside);
  bindParameters(block, given, inside, outside);
  declareTensors(call, block, given, inside, outside);
  caller.expansion.recorder?.entered(call, caller, inside, dimsOf(block, outside));
  const results: ValueId[] = [];
  const returned = bodyOrFailed(inside, () => runBody(block.body, inside));
  const result =
    returned === "failed"
      ? promisedResult(call, block, inside, outside, caller)
      : checkedResult(block, returned, inside, outside, (id) => results.push(id));
  if (key !== undefined) {
    const reads = new Map(results.map((id) => [id, argumentsRead(id, ids, inside)]));
    const doubtful = faults.promises > promises;
    known?.set(key, {
      result,
      reads,
      cost: budget.spent(spent),
      tensors: ids,
      body: inside.body,
      globals: caller.expansion.globals.reads,
      doubtful,
    });
  }
  return result;
}

/** What the body returned, of the promised type, with its axes as the caller names them; `each` is told of its tensors. */
function checkedResult(
  block: BlockDeclaration,
  returned: Returned | undefined,
  inside: Frame,
  outside: Frame,
  each: (id: ValueId) => void,
): Static {
  const { name } = block.name;
  if (returned === undefined) throw new Error(`expand: ${name} ends without return, which check should have found`);
  const typed = { name, value: returned.value, type: block.result, file: inside.file, source: returned.expression };
  return mapTensors(typed, inside, ({ name, shape, value, span }) => {
    checkResult(name, value, shape, span, inside);
    each(value.id);
    return { ...value, type: { dtype: value.type.dtype, axes: declaredAxes(shape.axes, value.type.axes, outside) } };
  });
}

/** What a body that failed would have returned, where one tensor is promised: of several, or of any size, nothing is known. */
function promisedResult(call: CallExpression, block: BlockDeclaration, inside: Frame, outside: Frame, caller: Frame): TensorStatic {
  const type = promised(caller, () => {
    const form = signatureForm(inside.expansion.program, block.result, inside.file);
    if (form.kind !== "tensor" || form.shape.axes.some(({ expression }) => isAnyAxis(expression))) throw new FollowUp();
    const dtype = dtypeOf(form.shape.dtype, inside.expansion.precision);
    return { dtype, axes: declaredAxes(form.shape.axes, [], outside) };
  });
  return { kind: "tensor", type, id: inside.expansion.builder.input(call.callee.name, newValue(caller, call.callSpan, type), []) };
}

/** The result of a call like an earlier one, each of its tensors an input that stands for it. */
function standIn(
  call: CallExpression,
  block: BlockDeclaration,
  before: KnownCall,
  ids: readonly ValueId[],
  inside: Frame,
  caller: Frame,
): Static {
  const { known, builder, made: weights, reads } = caller.expansion;
  addPart(caller.body, inside.path, before.body);
  caller.expansion.globals.addReads(before.globals);
  for (const [what, amount] of spendings(before.cost)) spend(caller, call.callSpan, what, amount);
  if (before.doubtful) caller.expansion.faults.promises++;
  for (const [path, type] of weightsOf(before.body, inside.path)) weights.claim(inside, call.callSpan, path, type);
  const made = new Map<ValueId, ValueId>();
  const typed = { name: block.name.name, value: before.result, type: block.result, file: inside.file, source: call.callSpan };
  return mapTensors(typed, caller, ({ value: { id: result, type } }) => {
    const id = made.get(result) ?? builder.input(call.callee.name, newValue(caller, call.callSpan, type), []);
    if (!made.has(result)) {
      made.set(result, id);
      reads.addStandIn(
        id,
        (before.reads.get(result) ?? []).map((argument) => ids[argument] as ValueId),
      );
      known?.leaveOut(id, result, before, ids);
    }
    return { kind: "tensor", id, type };
  });
}

/** Which of a call's tensors a result depends on, by their places among them. */
function argumentsRead(result: ValueId, tensors: readonly ValueId[], inside: Frame): number[] {
  const read = inside.expansion.reads.readBy(result, new Set(tensors));
  return tensors.flatMap((id, i) => (read.has(id) ? [i] : []));
}

function matchArguments(call: CallExpression, block: BlockDeclaration, caller: Frame): Map<string, Static> {
  const { inOrder, named } = givenTo(call);
  const given = new Map<string, Static>();
  for (const [i, expression] of inOrder.entries()) {
    const parameter = block.parameters[i];
    if (parameter === undefined) throw new Error(`expand: too many arguments of ${block.name.name}, which check should have found`);
    given.set(parameter.name.name, evaluate(expression, caller));
  }
  for (const [name, expression] of named) given.set(name, evaluate(expression, caller));
  return given;
}

function argumentOf(call: CallExpression, parameter: Parameter, value: Static, inside: Frame): Typed {
  return { name: parameter.name.name, value, type: parameter.type, file: inside.file, source: call.callSpan };
}

function holdsTensors(parameter: Parameter, inside: Frame): boolean {
  return signatureForm(inside.expansion.program, parameter.type, inside.file).kind !== "known";
}

/** The arguments whose types have tensors, with the empty lists that such parameters may have by default. */
function tensorValues(block: BlockDeclaration, given: ReadonlyMap<string, Static>, inside: Frame): (readonly [Parameter, Static])[] {
  return block.parameters.flatMap((parameter) => {
    if (!holdsTensors(parameter, inside)) return [];
    const value = given.get(parameter.name.name) ?? (parameter.value === undefined ? undefined : ListStatic.of([]));
    if (value !== undefined) return [[parameter, value] as const];
    throw new Error(`expand: argument ${parameter.name.name} of ${block.name.name} is missing, which check should have found`);
  });
}

function tensorArguments(
  call: CallExpression,
  block: BlockDeclaration,
  given: ReadonlyMap<string, Static>,
  inside: Frame,
): TensorArgument[] {
  return tensorValues(block, given, inside).flatMap(([parameter, value]) =>
    tensorParts(argumentOf(call, parameter, value, inside), inside).map((part) => ({ ...part, parameter })),
  );
}

/** Gives each dim in `<>` the size of the first axis of an argument that it stands for. */
function bindDims(call: CallExpression, block: BlockDeclaration, tensors: readonly TensorArgument[], inside: Frame, outside: Frame): void {
  const dims = new Set(block.dims.map((dim) => dim.name));
  for (const { name: parameter, shape, value } of tensors) {
    const names = { parameter, block: block.name.name };
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
      inside.scope.declare(name, namedInt(name, found.size));
      outside.scope.declare(name, int(found.size, found));
    }
  }
  const [unbound] = dims;
  if (unbound === undefined) return;
  const hint = `give the list a tensor, or make it a parameter: \`${unbound.toLowerCase()}: int\``;
  fail(inside, "unbound-size", call.callSpan, { dim: unbound, block: block.name.name }, { hint });
}

/** The axes that the block's dims stand for, as the caller names them. */
function dimsOf(block: BlockDeclaration, outside: Frame): ReadonlyMap<string, Axis> {
  return new Map(
    block.dims.flatMap(({ name }) => {
      const value = outside.scope.lookUp(name);
      return value?.kind === "int" ? [[name, axisOf(value)] as const] : [];
    }),
  );
}

/** Compile-time parameters. Inside, a number that the caller gave is an axis by the parameter's own name; a default keeps the names it is made of. */
function bindParameters(block: BlockDeclaration, given: ReadonlyMap<string, Static>, inside: Frame, outside: Frame): void {
  const { program } = inside.expansion;
  for (const parameter of block.parameters) {
    const name = parameter.name.name;
    if (holdsTensors(parameter, inside)) continue;
    const value = given.get(name);
    if (value !== undefined) {
      if (!fits(program, value, parameter.type, inside.file)) {
        return fail(inside, "wrong-kind", parameter.span, { expected: `\`${name}\`: ${showType(parameter.type)}`, found: describe(value) });
      }
      inside.scope.declare(name, value.kind === "int" ? namedInt(name, value.value) : unnamed(value));
      outside.scope.declare(name, value);
    } else if (parameter.value !== undefined) {
      inside.scope.declare(name, evaluate(parameter.value, inside));
      outside.scope.declare(name, evaluate(parameter.value, outside));
    } else throw new Error(`expand: argument ${name} of ${block.name.name} is missing, which check should have found`);
  }
}

/** Checks each axis of the arguments' tensors against their types, by size and as the caller names it, and names the axes as the body knows them. */
function declareTensors(
  call: CallExpression,
  block: BlockDeclaration,
  given: ReadonlyMap<string, Static>,
  inside: Frame,
  outside: Frame,
): void {
  for (const [parameter, value] of tensorValues(block, given, inside)) {
    const declared = mapTensors(argumentOf(call, parameter, value, inside), inside, (part) => ({
      ...part.value,
      type: { dtype: part.value.type.dtype, axes: argumentAxes(call, block, { ...part, parameter }, inside, outside) },
    }));
    inside.scope.declare(parameter.name.name, declared);
  }
}

function argumentAxes(
  call: CallExpression,
  block: BlockDeclaration,
  { name, path, shape, value, parameter }: TensorArgument,
  inside: Frame,
  outside: Frame,
) {
  const related = [{ message: `\`${parameter.name.name}\` declared here`, span: parameter.span }];
  const axes = declaredAxes(shape.axes, value.type.axes, inside);
  for (const [i, expected] of axes.entries()) {
    const found = value.type.axes[i] as Axis;
    if (found.size === expected.size) continue;
    fail(
      inside,
      "argument-shape",
      argumentSpan(call, block, parameter),
      { parameter: name, block: block.name.name, axis: expected.name, expected: expected.size, found: found.size },
      {
        hint: path.some((step) => typeof step === "number")
          ? "where the items of a list differ, let the type have the axis `_`"
          : undefined,
        related,
      },
    );
  }
  const wanted = declaredAxes(shape.axes, value.type.axes, outside);
  const wrong = misplaced(wanted, value.type.axes);
  if (wrong !== undefined) {
    const taken = `\`${block.name.name}\` takes \`${name}\` with axes ${showAxes(wanted)}`;
    const message = `${taken}, but the value has ${showAxes(value.type.axes)}: ${wrong.why}`;
    fail(inside, "axis-mismatch", argumentSpan(call, block, parameter), { message }, { related, hint: wrong.hint });
  }
  return axes;
}

function argumentSpan(call: CallExpression, block: BlockDeclaration, parameter: Parameter) {
  const { inOrder, named } = givenTo(call);
  return (named.get(parameter.name.name) ?? inOrder[block.parameters.indexOf(parameter)])?.span ?? call.callSpan;
}

/** A returned tensor against the promised type; shared with graphs. */
export function checkResult(name: string, value: TensorStatic, promised: TensorShape, span: CallExpression["span"], frame: Frame): void {
  const expected = declaredAxes(promised.axes, value.type.axes, frame);
  if (expected.length !== value.type.axes.length) {
    return fail(frame, "result-rank", span, { block: name, expected: showAxes(expected), found: showAxes(value.type.axes) });
  }
  for (const [i, axis] of expected.entries()) {
    const found = (value.type.axes[i] as Axis).size;
    if (axis.size !== found) return fail(frame, "result-shape", span, { block: name, axis: axis.name, expected: axis.size, found });
  }
  const wrong = misplaced(expected, value.type.axes);
  if (wrong === undefined) return;
  const message = `\`${name}\` promises axes ${showAxes(expected)}, but returns ${showAxes(value.type.axes)}: ${wrong.why}`;
  return fail(frame, "axis-mismatch", span, { message }, { hint: wrong.hint });
}
