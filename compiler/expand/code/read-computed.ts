/** Expressions of a block, with what they came to, to code: values that are known when the model is built, and what is computed when it runs. */

import { type Argument, type CallExpression, countInOrder, type Expression, never, type Statement } from "../../../dsl/index.ts";
import type { OpName } from "../../graph/op-names.ts";
import type { BlockCall, CodeStatement, Computed, Known, KnownOperator, OpCall, Shape } from "../../module/code.ts";
import { isOpName, opEntry } from "../../ops/table.ts";
import type { CodeScope } from "./code-scope.ts";
import { agree, conflict, type Found, holdsTensor, plainOf } from "./evidence.ts";
import type { BlockReader } from "./read-block.ts";
import type { SeenAxis, SeenCall } from "./recorder.ts";

const arithmetic: { readonly [operator: string]: OpName } = { "+": "add", "-": "sub", "*": "mul", "/": "div" };

/** Where the channels stand from the end, of ops whose weights follow them. */
const channelAxes: { readonly [O in OpName]?: number } = {
  conv1d: 2,
  conv2d: 3,
  conv3d: 4,
  convTranspose1d: 2,
  convTranspose2d: 3,
  convTranspose3d: 4,
  groupNorm: 3,
  linear: 1,
  layerNorm: 1,
  rmsNorm: 1,
};

export class ComputedReader {
  private readonly block: BlockReader;

  constructor(block: BlockReader) {
    this.block = block;
  }

  /** A value without tensors. */
  known(expression: Expression, scope: CodeScope): Known {
    const { block } = this;
    const constant = block.constant(expression);
    switch (expression.kind) {
      case "number":
        return { kind: "plain", value: expression.value, float: expression.float };
      case "string":
      case "bool":
        return { kind: "plain", value: expression.value };
      case "name":
        if (typeof constant === "boolean" || typeof constant === "string") return { kind: "plain", value: constant };
        // What was taken off a list is said in numbers, and so are its lists.
        if (block.pops(expression.name) && !block.isComputed(expression)) return block.agreed(expression);
        return block.name(expression.name, scope) ?? block.agreed(expression);
      case "list":
        return { kind: "list", items: expression.items.map((item) => this.known(item, scope)) };
      case "record":
        return { kind: "record", fields: new Map(expression.fields.map(({ name, value }) => [name.name, this.known(value, scope)])) };
      case "unary": {
        const operand = this.known(expression.operand, scope);
        return { kind: expression.operator === "!" ? "not" : "minus", operand };
      }
      case "binary": {
        if (typeof constant === "boolean") return { kind: "plain", value: constant };
        // What is always true of `&&`, or never of `||`, decides nothing.
        const idle = expression.operator === "&&" ? true : expression.operator === "||" ? false : undefined;
        if (idle !== undefined && block.constant(expression.left) === idle) return this.known(expression.right, scope);
        if (idle !== undefined && block.constant(expression.right) === idle) return this.known(expression.left, scope);
        // Where the left decides, the right was never evaluated.
        if (block.seen(expression.right).length === 0) return this.known(expression.left, scope);
        const [left, right] = [this.known(expression.left, scope), this.known(expression.right, scope)];
        const whole = [expression.left, expression.right].every((side) => block.seen(side).every(({ value }) => value.kind === "int"));
        return { kind: "binary", operator: expression.operator as KnownOperator, left, right, whole };
      }
      case "conditional": {
        const test = block.constant(expression.test);
        if (test !== undefined) return this.known(test ? expression.then : expression.otherwise, scope);
        const [yes, no] = [this.known(expression.then, scope), this.known(expression.otherwise, scope)];
        return { kind: "choice", test: this.known(expression.test, scope), yes, no };
      }
      case "member":
        if (block.isComputed(expression.object)) return block.agreed(expression);
        if (expression.property.name === "length" && block.seen(expression.object)[0]?.value.kind === "list")
          return { kind: "length", of: this.known(expression.object, scope) };
        return { kind: "field", record: this.known(expression.object, scope), field: expression.property.name };
      case "index":
        return { kind: "item", list: this.known(expression.object, scope), index: this.known(expression.index, scope) };
      case "method": {
        const { name } = expression.method;
        if (name !== "reversed" && name !== "min" && name !== "max") return block.agreed(expression);
        return { kind: "method", list: this.known(expression.object, scope), method: name };
      }
      case "call": {
        const [left, right] = ["a", "b"].map((name, i) => argumentOf(expression, name, i));
        if (expression.callee.name !== "div" || left === undefined || right === undefined) return block.agreed(expression);
        return { kind: "binary", operator: "/", left: this.known(left, scope), right: this.known(right, scope), whole: true };
      }
    }
  }

  /** What is computed; what is known stands in it as that. */
  read(expression: Expression, scope: CodeScope): Computed {
    const { block } = this;
    switch (expression.kind) {
      case "name": {
        const found = scope.lookUp(expression.name);
        if (found?.kind === "weight") return { kind: "weight", name: found.name };
        if (found?.kind === "computed") return { kind: "variable", name: found.name };
        return { kind: "known", value: this.known(expression, scope) };
      }
      case "conditional": {
        const test = block.constant(expression.test);
        if (test !== undefined) return this.read(test ? expression.then : expression.otherwise, scope);
        const [yes, no] = [this.read(expression.then, scope), this.read(expression.otherwise, scope)];
        if (yes.kind === "known" && no.kind === "known") return { kind: "known", value: this.known(expression, scope) };
        return { kind: "choose", test: this.known(expression.test, scope), yes, no };
      }
      case "list":
        if (expression.items.length > 0 && !block.isComputed(expression)) return { kind: "known", value: this.known(expression, scope) };
        return { kind: "tensors", items: expression.items.map((item) => this.read(item, scope)) };
      case "record": {
        if (!block.isComputed(expression)) return { kind: "known", value: this.known(expression, scope) };
        return { kind: "fields", fields: new Map(expression.fields.map(({ name, value }) => [name.name, this.read(value, scope)])) };
      }
      case "member":
        if (!block.isComputed(expression)) return { kind: "known", value: this.known(expression, scope) };
        return { kind: "of", record: this.read(expression.object, scope), field: expression.property.name };
      case "index":
        if (!block.isComputed(expression)) return { kind: "known", value: this.known(expression, scope) };
        return { kind: "at", list: this.read(expression.object, scope), index: this.known(expression.index, scope) };
      case "method": {
        if (!block.isComputed(expression.object) && !block.isComputed(expression))
          return { kind: "known", value: this.known(expression, scope) };
        if (expression.method.name === "reversed") return { kind: "reverse", list: this.read(expression.object, scope) };
        const list = this.read(expression.object, scope);
        if (expression.method.name !== "pop" || list.kind !== "variable") throw new Error(`code: ${expression.method.name} of no variable`);
        return { kind: "pop", list: list.name };
      }
      case "unary":
      case "binary":
        return block.isComputed(expression) ? this.operator(expression, scope) : { kind: "known", value: this.known(expression, scope) };
      case "call":
        return block.isComputed(expression) ? this.call(expression, scope) : { kind: "known", value: this.known(expression, scope) };
      case "number":
      case "string":
      case "bool":
        return { kind: "known", value: this.known(expression, scope) };
      default:
        return never(expression);
    }
  }

  /** A statement that is a call: `push` and `pop` change a list, others do nothing but what their weights do. */
  effect(expression: Expression, scope: CodeScope): CodeStatement[] {
    if (this.block.seen(expression).length === 0) return [];
    if (expression.kind === "method" && expression.object.kind === "name") {
      const list = scope.lookUp(expression.object.name)?.name ?? expression.object.name;
      const [item] = expression.arguments;
      if (expression.method.name === "push" && item !== undefined) return [{ kind: "push", list, item: this.read(item, scope) }];
    }
    if (!this.block.isComputed(expression)) return [];
    return [{ kind: "bind", name: "_", value: this.read(expression, scope), shape: undefined, declares: true }];
  }

  /** Whether a list that is empty at first is given tensors later. */
  takesTensors(name: string, value: Expression, body: readonly Statement[] | undefined): boolean {
    const isEmpty = this.block.seen(value).every((seen) => seen.value.kind === "list" && seen.value.length === 0);
    if (!isEmpty) return false;
    const pushes = (statements: readonly Statement[]): boolean =>
      statements.some((statement) => {
        if (statement.kind === "if") return pushes(statement.then) || pushes(statement.otherwise ?? []);
        if (statement.kind === "repeat") return pushes(statement.body);
        if (statement.kind !== "expression" || statement.value.kind !== "method") return false;
        const { object, method, arguments: given } = statement.value;
        return (
          object.kind === "name" && object.name === name && method.name === "push" && given.some((item) => this.block.isComputed(item))
        );
      });
    return pushes(body ?? []);
  }

  private operator(expression: Extract<Expression, { kind: "unary" | "binary" }>, scope: CodeScope): Computed {
    const operands = expression.kind === "unary" ? [expression.operand] : [expression.left, expression.right];
    const op = expression.kind === "unary" ? "mul" : (arithmetic[expression.operator] ?? "add");
    const inputs = operands.map((operand) => this.read(operand, scope));
    if (expression.kind === "unary") inputs.unshift({ kind: "known", value: { kind: "plain", value: -1 } });
    return { kind: "op", op, inputs, attributes: new Map(), shapes: [], dtype: this.dtypeOf(expression), weights: undefined };
  }

  private dtypeOf(expression: Expression): OpCall["dtype"] {
    const value = this.block.seen(expression)[0]?.value;
    return value?.kind === "tensor" ? value.type.dtype : "f32";
  }

  private call(call: CallExpression, scope: CodeScope): Computed {
    const { block } = this;
    const { name } = call.callee;
    const seen = block.runs.flatMap((run) => (run.calls.get(call) ?? []).map((made) => ({ run, rounds: made.rounds, value: made })));
    if (seen.length > 0) return this.blockCall(call, seen, scope);
    if (name === "view" || name === "arrange" || name === "expand") return this.layout(call, scope);
    const argument = call.piped ?? call.arguments[0]?.value;
    if (argument !== undefined) {
      if (name === "range") return { kind: "range", size: this.known(argument, scope) };
      if (name === "tensor") return { kind: "constant", value: this.known(argument, scope), dtype: this.dtypeOf(call) };
      if (name === "float") return { kind: "float", x: this.read(argument, scope) };
    }
    if (!isOpName(name)) throw new Error(`code: no op ${name}`);
    return this.opCall(call, name, scope);
  }

  private opCall(call: CallExpression, op: OpName, scope: CodeScope): OpCall {
    const { block } = this;
    const { signature } = opEntry(op);
    const given = signature.inputs.flatMap((input, i) => argumentOf(call, input.name, input.optional ? -1 : i) ?? []);
    const seen = block.runs.flatMap((run) => (run.ops.has(call) ? [{ run, rounds: [], value: run.ops.get(call) }] : []));
    const attributes = new Map<string, Known>();
    for (const [i, attribute] of signature.attributes.entries()) {
      const value = argumentOf(call, attribute.name, countInOrder(signature) + i);
      if (value !== undefined) attributes.set(attribute.name, this.known(value, scope));
      else if (attribute.default !== undefined) attributes.set(attribute.name, { kind: "plain", value: attribute.default as never });
    }
    const owning = new Set(seen.map(({ value }) => value?.owns));
    if (owning.size > 1)
      throw conflict(
        seen.map((one) => ({ ...one, value: one.value?.owns })),
        `the weights of ${op}`,
      );
    const owns = owning.has(true);
    if (owns) block.owns = true;
    const shapes = given.map((input) => this.shapeOf(input, scope));
    const inputs = given.map((input) => this.read(input, scope));
    const weights = owns ? { channels: this.channels(op, given[0], scope), label: block.levels(call.label, scope) } : undefined;
    return { kind: "op", op, inputs, attributes, shapes, dtype: this.dtypeOf(call), weights };
  }

  private shapeOf(input: Expression, scope: CodeScope): Shape | undefined {
    const found = this.axesOf(input);
    if (found.length === 0) return undefined;
    const ranks = new Set(found.map(({ value }) => value.length));
    if (ranks.size > 1)
      throw conflict(
        found.map((one) => ({ ...one, value: one.value.length })),
        "the number of axes",
      );
    return this.block.shape(found, scope);
  }

  /** Of the input, which the shapes of an op's weights follow. */
  private channels(op: OpName, input: Expression | undefined, scope: CodeScope): Known | undefined {
    const fromEnd = channelAxes[op];
    if (fromEnd === undefined || input === undefined) return undefined;
    const axes = this.axesOf(input).flatMap(({ run, rounds, value }) => {
      const axis = value.at(-fromEnd);
      return axis === undefined ? [] : [{ run, rounds, value: axis }];
    });
    return this.block.size(axes, scope);
  }

  private axesOf(input: Expression): Found<readonly SeenAxis[]>[] {
    return this.block.seen(input).flatMap(({ run, rounds, axes }) => (axes === undefined ? [] : [{ run, rounds, value: axes }]));
  }

  private layout(call: CallExpression, scope: CodeScope): Computed {
    const { block } = this;
    const [value, list] = [argumentOf(call, "x", 0), argumentOf(call, "axes", 1)];
    if (value === undefined || list === undefined) throw new Error("code: a layout call lacks an argument");
    const x = this.read(value, scope);
    if (call.callee.name === "view") {
      const to = list.kind === "list" ? list.items.map((item) => this.known(item, scope)) : this.sizes(call, scope);
      return { kind: "view", x, to };
    }
    const found = block.runs.flatMap((run) => (run.moved.get(call) ?? []).map((moved) => ({ run, rounds: moved.rounds, value: moved })));
    const steps = (key: "split" | "ones" | "stretched" | "to"): readonly Known[] | undefined => {
      const lists = found.flatMap(({ run, rounds, value }) => (value[key] === undefined ? [] : [{ run, rounds, value: value[key] }]));
      if (lists.length === 0) return undefined;
      const most = found.find(({ value }) => value[key] !== undefined)?.value[key] ?? [];
      // A step that moves nothing in some calls moves nothing there in code either: the sizes are those that it had.
      return most.map((_, i) =>
        block.size(
          lists.map(({ run, rounds, value }) => ({ run, rounds, value: value[i] as SeenAxis })),
          scope,
        ),
      );
    };
    const orders = new Set(found.map(({ value }) => value.order?.join()));
    const depths = new Set(found.map(({ value }) => [value.split, value.ones, value.stretched, value.to].map((one) => one?.length).join()));
    if (orders.size > 1 || depths.size > 1)
      throw conflict(
        found.map((one) => ({
          ...one,
          value: [one.value.order, one.value.split?.length, one.value.ones?.length, one.value.stretched?.length, one.value.to?.length],
        })),
        "how axes move",
      );
    const order = found[0]?.value.order;
    return { kind: "arrange", x, split: steps("split"), order, ones: steps("ones"), stretched: steps("stretched"), to: steps("to") };
  }

  /** The axes of a result whose list is not written out. */
  private sizes(call: CallExpression, scope: CodeScope): Known[] {
    const found = this.block.seen(call);
    return (found[0]?.axes ?? []).map((_, i) =>
      this.block.size(
        found.map(({ run, rounds, axes }) => ({ run, rounds, value: axes?.[i] as SeenAxis })),
        scope,
      ),
    );
  }

  private blockCall(call: CallExpression, seen: readonly Found<SeenCall>[], scope: CodeScope): BlockCall {
    const { block } = this;
    const places = seen.map((one) => ({ ...one, value: block.model.blockOf(one.value.run) }));
    const place = agree(places, (loop) => block.loopOf(loop), `the block that is called`);
    const declared = seen[0]?.value.run.block;
    if (declared === undefined) throw new Error("code: a call of no block");
    if (places.some(({ value }) => block.model.owns(value))) block.owns = true;
    const given = new Map<string, Known>();
    for (const { name } of declared.dims) {
      const axes = seen.flatMap((one) => (one.value.dims.has(name) ? [{ ...one, value: one.value.dims.get(name) as SeenAxis }] : []));
      given.set(name, block.size(axes, scope));
    }
    const tensors = new Map<string, Computed>();
    for (const [i, parameter] of declared.parameters.entries()) {
      const { name } = parameter.name;
      const argument = argumentOf(call, name, i);
      const values = seen.map(({ value: { run } }) => run.arguments.get(name));
      const isComputed = values.some((value) => value !== undefined && holdsTensor(value)) || parameter.type.kind === "tensor-type";
      if (argument !== undefined) {
        if (isComputed || block.isComputed(argument)) tensors.set(name, this.read(argument, scope));
        else given.set(name, this.known(argument, scope));
      } else if (parameter.value !== undefined && !["number", "string", "bool"].includes(parameter.value.kind)) {
        given.set(name, this.byDefault(parameter.value, name, seen, given));
      }
    }
    return { kind: "call", block: place, label: block.levels(call.label, scope), tensors, given };
  }

  /** A default that is made of the callee's names, in the caller's. */
  private byDefault(value: Expression, name: string, seen: readonly Found<SeenCall>[], given: ReadonlyMap<string, Known>): Known {
    const own = value.kind === "name" ? given.get(value.name) : undefined;
    if (own !== undefined) return own;
    const found = seen.map((one) => ({ ...one, value: plainOf(one.value.run.arguments.get(name) ?? { kind: "int", value: 0 }) ?? 0 }));
    return agree(found, (loop) => this.block.loopOf(loop), `the default of \`${name}\``);
  }
}

/** The argument by that name, or in that place of those without names; the piped value is the first. */
function argumentOf(call: CallExpression, name: string, place: number): Expression | undefined {
  const named = call.arguments.find((argument: Argument) => argument.name?.name === name);
  if (named !== undefined) return named.value;
  const inOrder = [call.piped, ...call.arguments.filter((argument) => argument.name === undefined).map(({ value }) => value)];
  return (call.piped === undefined ? inOrder.slice(1) : inOrder)[place];
}
