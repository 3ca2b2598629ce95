/** Where an expression is evaluated: its names, the weight path that labels have built, and the calls that led here. */

import type { CallExpression, Program, RepeatStatement, Span } from "../../dsl/index.ts";
import { showAxes } from "../graph/axis.ts";
import { mostElements, type Origin, sizeOf, type TensorType } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import { type GraphBuilder, tensorType } from "../rewriting/builder.ts";
import { type Bound, type Budget, budgets, mostAxes, mostNested, type Spent } from "./budget.ts";
import type { Recorder } from "./code/recorder.ts";
import { ExpansionFailure, type Faults, FollowUp } from "./failure.ts";
import type { Globals } from "./globals.ts";
import type { KnownCalls } from "./known-calls.ts";
import type { MadeWeights } from "./made-weights.ts";
import { expandDiagnostic } from "./messages.ts";
import type { Body } from "./parts.ts";
import { relatedCalls } from "./related-calls.ts";
import type { Slot } from "./source-of-value.ts";
import type { ListStatic, RecordStatic, Static } from "./static.ts";
import type { LabelScope, WeightReads } from "./unread-weights.ts";
import type { WeightShapes } from "./weight-shapes.ts";

/** The names of a body, inner to outer; assignment and `push` change the nearest binding. */
export class Scope {
  private readonly bindings = new Map<string, Static | undefined>();
  private doubtful: Set<string> | undefined;
  private readonly parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.parent = parent;
  }

  declare(name: string, value: Static): void {
    this.bindings.set(name, value);
  }

  assign(name: string, value: Static): void {
    if (this.bindings.has(name)) {
      this.bindings.set(name, value);
      this.doubtful?.delete(name);
    } else if (this.parent !== undefined) this.parent.assign(name, value);
    else throw new Error(`expand: ${name} is assigned but not declared, which check should have found`);
  }

  /** Fails without a word for a name that an error has made unknown. */
  lookUp(name: string): Static | undefined {
    const value = this.bindings.get(name);
    if (value === undefined && this.bindings.has(name)) throw new FollowUp();
    return value ?? this.parent?.lookUp(name);
  }

  /** As `lookUp`, without a failure. */
  peek(name: string): Static | undefined {
    return this.bindings.get(name) ?? this.parent?.peek(name);
  }

  /** The value of a name is unknown from now on, unless it is given another. */
  forget(name: string): void {
    this.scopeOf(name).bindings.set(name, undefined);
  }

  /** The value of a name was made of what is only promised. */
  doubt(name: string): void {
    const scope = this.scopeOf(name);
    scope.doubtful ??= new Set();
    scope.doubtful.add(name);
  }

  isDoubtful(name: string): boolean {
    const scope = this.scopeOf(name);
    return scope.doubtful?.has(name) ?? false;
  }

  /** Where a name is bound, or would be. */
  private scopeOf(name: string): Scope {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) if (scope.bindings.has(name)) return scope;
    return this;
  }
}

/** What a whole graph shares while it is expanded. */
export interface Expansion {
  readonly program: Program;
  readonly globals: Globals;
  readonly builder: GraphBuilder;
  readonly reads: WeightReads;
  readonly precision: "f32" | "f16";
  /** Where only shapes are asked for: a call like an earlier one is not expanded again. */
  readonly known: KnownCalls | undefined;
  readonly budget: Budget;
  /** The weights that the graph has so far. */
  readonly made: MadeWeights;
  readonly faults: Faults;
  /** The weights that the graph has at another batch. */
  readonly weights: WeightShapes | undefined;
  /** Where the source decides an argument of a call. */
  readonly sourceOf: (call: Origin, slot: Slot) => Span;
  /** Hears all that is evaluated, where code is made of it. */
  readonly recorder?: Recorder | undefined;
  /** Calls of blocks and ops; a field, so that evaluating does not import calling. */
  readonly call: (call: CallExpression, frame: Frame) => Static;
}

/** Which time of a `repeat` this is. */
export interface Round {
  readonly loop: RepeatStatement;
  readonly at: number;
}

export interface Frame {
  readonly expansion: Expansion;
  readonly file: string;
  readonly scope: Scope;
  /** Labels so far, joined by dots; empty at the root of a graph. */
  readonly path: string;
  /** The last of them. */
  readonly label: LabelScope | undefined;
  /** Whether this is the body of a `repeat` without a label: what has the same label in each round has the same weights. */
  readonly sharesRounds: boolean;
  /** Of the body's loops, the outermost first. */
  readonly rounds: readonly Round[];
  /** The call of a block, or the graph, that this is in. */
  readonly body: Body;
  readonly expandedFrom: Origin["expandedFrom"];
}

export function join(path: string, label: string): string {
  return path === "" ? label : `${path}.${label}`;
}

/** A frame whose path has more levels, none for an empty text. */
export function below(frame: Frame, levels: string, tie: LabelScope["tie"], span: Span): Frame {
  const path = levels === "" ? frame.path : join(frame.path, levels);
  if (path.length > longestPath)
    fail(frame, "bad-path", span, { path: `${path.slice(0, 60)}…`, why: `is longer than ${longestPath} characters` });
  const label = { path, span, tie, expandedFrom: frame.expandedFrom, outer: frame.label };
  return { ...frame, path, label, sharesRounds: false };
}

const longestPath = 10_000;

export function originAt(frame: Frame, span: Span): Origin {
  return { path: frame.path, span, expandedFrom: frame.expandedFrom };
}

/** The text of the source at a span. */
export function sourceAt({ file, start, end }: Span, { expansion }: Frame): string {
  return expansion.program.files.get(file)?.source.text.slice(start, end) ?? "?";
}

/** A diagnostic maker that adds where the frame was expanded from, and throws. */
export const fail: (frame: Frame, ...diagnostic: Parameters<typeof expandDiagnostic>) => never = (frame, code, span, holes, more) => {
  throw new ExpansionFailure(
    expandDiagnostic(code, span, holes, { ...more, related: [...(more?.related ?? []), ...relatedCalls(frame.expandedFrom)] }),
  );
};

/** Takes from the graph's budget, or fails with what it takes too much of. */
export function spend(frame: Frame, span: Span, what: Spent, amount = 1): void {
  if (!frame.expansion.budget.spend(what, amount)) failBeyond(frame, span, what);
}

/** Counts what is evaluated within something else, until `leave`, while the stack and the budget allow it. */
export function enter(frame: Frame, span: Span): void {
  const over = frame.expansion.budget.enter();
  if (over !== undefined) failBeyond(frame, span, over);
}

export function leave(frame: Frame): void {
  frame.expansion.budget.leave();
}

/** A list's items, for what looks at each. */
export function itemsOf(frame: Frame, span: Span, list: ListStatic): readonly Static[] {
  spend(frame, span, "items", list.length);
  return list.items;
}

/** A list or record that was made: all that compares values goes down by their parts. */
export function nested<S extends ListStatic | RecordStatic>(frame: Frame, span: Span, value: S): S {
  if (value.depth <= mostNested) return value;
  const hint = "keep the parts under names of their own";
  return fail(frame, "too-large", span, { what: "the value", most: mostNested, unit: "lists and records within each other" }, { hint });
}

function failBeyond(frame: Frame, span: Span, bound: Bound): never {
  const { of: what, most, unit, hint } = budgets[bound];
  return fail(frame, "too-large", span, { what, most, unit }, { hint });
}

/** The type of a new value of the graph, which counts it. */
export function newValue(frame: Frame, span: Span, type: AxisType): TensorType {
  spend(frame, span, "values");
  const made = tensorType(type);
  if (made.shape.length > mostAxes) {
    const what = `a tensor of ${made.shape.length} axes`;
    fail(frame, "too-large", span, { what, most: mostAxes, unit: "axes" }, { hint: "merge axes with `arrange`: `A * B`" });
  }
  for (const axis of type.axes) if (axis.size < 1) fail(frame, "bad-size", span, { axis: axis.name, size: axis.size });
  const elements = sizeOf(made.shape);
  if (elements > mostElements) {
    const what = `the tensor ${showAxes(type.axes)}, of ${elements} elements,`;
    fail(
      frame,
      "too-large",
      span,
      { what, most: mostElements, unit: "elements" },
      { hint: "make an axis smaller, or cut the tensor into several" },
    );
  }
  return made;
}
