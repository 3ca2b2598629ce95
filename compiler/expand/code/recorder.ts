/** An expansion, heard as it goes, to what each expression of each block came to, call by call and round by round. */

import type { BlockDeclaration, CallExpression, Expression, RepeatStatement, WeightStatement } from "../../../dsl/index.ts";
import type { Axis } from "../../graph/axis.ts";
import type { Attributes, DType } from "../../graph/graph.ts";
import type { OpName } from "../../graph/op-names.ts";
import type { Known } from "../../module/code.ts";
import type { Frame, Round } from "../frame.ts";
import type { Body } from "../parts.ts";
import type { Static } from "../static.ts";
import { readSize, sizeFrom } from "./size-text.ts";

/** An axis as the names at that place say it, where they do. */
export interface SeenAxis {
  readonly name: string;
  readonly size: number;
  readonly text: Known | undefined;
}

/** What an expression came to once. */
export interface Seen {
  readonly rounds: readonly Round[];
  readonly value: Static;
  /** Of a tensor. */
  readonly axes: readonly SeenAxis[] | undefined;
}

export interface SeenOp {
  readonly op: OpName;
  readonly attributes: Attributes;
  readonly dtype: DType;
  readonly owns: boolean;
}

export interface SeenCall {
  readonly rounds: readonly Round[];
  readonly run: Run;
  /** The block's dims as the caller names them. */
  readonly dims: ReadonlyMap<string, SeenAxis>;
}

/** How `arrange` and `expand` moved axes, each step left out that moves nothing. */
export interface Moved {
  readonly rounds: readonly Round[];
  readonly split: readonly SeenAxis[] | undefined;
  readonly order: readonly number[] | undefined;
  readonly ones: readonly SeenAxis[] | undefined;
  readonly stretched: readonly SeenAxis[] | undefined;
  readonly to: readonly SeenAxis[] | undefined;
}

export interface SeenWeight {
  readonly rounds: readonly Round[];
  readonly axes: readonly SeenAxis[];
}

/** One call of a block, or a graph. */
export class Run {
  readonly block: BlockDeclaration | undefined;
  readonly file: string;
  /** Dims and parameters as they were bound. */
  readonly arguments = new Map<string, Static>();
  readonly tensors = new Map<string, readonly SeenAxis[]>();
  readonly values = new Map<Expression, Seen[]>();
  readonly ops = new Map<CallExpression, SeenOp>();
  readonly calls = new Map<CallExpression, SeenCall[]>();
  readonly moved = new Map<CallExpression, Moved[]>();
  readonly weights = new Map<WeightStatement, SeenWeight[]>();
  readonly repeated = new Map<RepeatStatement, number>();

  constructor(block: BlockDeclaration | undefined, file: string) {
    this.block = block;
    this.file = file;
  }
}

export class Recorder {
  private readonly runs = new WeakMap<Body, Run>();

  /** A graph begins. */
  graph(frame: Frame): Run {
    const run = new Run(undefined, frame.file);
    this.runs.set(frame.body, run);
    return run;
  }

  saw(expression: Expression, value: Static, frame: Frame): void {
    const axes = value.kind === "tensor" ? value.type.axes.map((axis) => seenAxis(axis, frame)) : undefined;
    add(this.runs.get(frame.body)?.values, expression, { rounds: frame.rounds, value, axes });
  }

  /** The block's dims and parameters are bound. `dims` are its own, as the caller has them. */
  entered(call: CallExpression, caller: Frame, inside: Frame, dims: ReadonlyMap<string, Axis>): void {
    const { block } = inside.body;
    const run = new Run(block, inside.file);
    this.runs.set(inside.body, run);
    const seen = new Map([...dims].map(([name, axis]) => [name, seenAxis(axis, caller)] as const));
    add(this.runs.get(caller.body)?.calls, call, { rounds: caller.rounds, run, dims: seen });
    for (const { name } of [...(block?.dims ?? []), ...(block?.parameters ?? []).map((parameter) => parameter.name)]) {
      this.bound(run, name, inside);
    }
  }

  /** A name of a signature has its value. */
  bound(run: Run, name: string, frame: Frame): void {
    const value = frame.scope.lookUp(name);
    if (value === undefined) return;
    run.arguments.set(name, value);
    if (value.kind === "tensor")
      run.tensors.set(
        name,
        value.type.axes.map((axis) => seenAxis(axis, frame)),
      );
  }

  op(call: CallExpression, seen: SeenOp, frame: Frame): void {
    this.runs.get(frame.body)?.ops.set(call, seen);
  }

  moved(call: CallExpression, steps: MovedAxes, frame: Frame): void {
    const seen = (axes: readonly Axis[] | undefined) => axes?.map((axis) => seenAxis(axis, frame));
    const { split, order, ones, stretched, to } = steps;
    const moved = { rounds: frame.rounds, split: seen(split), order, ones: seen(ones), stretched: seen(stretched), to: seen(to) };
    add(this.runs.get(frame.body)?.moved, call, moved);
  }

  weight(statement: WeightStatement, axes: readonly Axis[], frame: Frame): void {
    const seen = axes.map((axis) => seenAxis(axis, frame));
    add(this.runs.get(frame.body)?.weights, statement, { rounds: frame.rounds, axes: seen });
  }

  repeated(statement: RepeatStatement, rounds: number, frame: Frame): void {
    const run = this.runs.get(frame.body);
    run?.repeated.set(statement, Math.max(rounds, run.repeated.get(statement) ?? 0));
  }
}

export interface MovedAxes {
  readonly split: readonly Axis[] | undefined;
  readonly order: readonly number[] | undefined;
  readonly ones: readonly Axis[] | undefined;
  readonly stretched: readonly Axis[] | undefined;
  readonly to: readonly Axis[] | undefined;
}

function add<K, V>(map: Map<K, V[]> | undefined, key: K, value: V): void {
  const list = map?.get(key);
  if (list === undefined) map?.set(key, [value]);
  else list.push(value);
}

function seenAxis(axis: Axis, frame: Frame): SeenAxis {
  const { name, size, plain } = axis;
  if (plain) return { name: String(size), size, text: undefined };
  const text = readSize(name);
  const found = text && sizeFrom(text, (one) => intOf(one, frame));
  return { name, size, text: found === size ? text : undefined };
}

function intOf(name: string, frame: Frame): number | undefined {
  const value = frame.scope.peek(name) ?? frame.expansion.globals.lookUp(name, frame.file);
  return value?.kind === "int" ? value.value : undefined;
}
