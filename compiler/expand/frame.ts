/** Where an expression is evaluated: its names, the weight path that labels have built, and the calls that led here. */

import type { CallExpression, Identifier, Program, Related, Span } from "../../dsl/index.ts";
import type { Origin } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import type { GraphBuilder } from "../rewriting/builder.ts";
import { ExpansionFailure } from "./failure.ts";
import type { Globals } from "./globals.ts";
import { expandDiagnostic } from "./messages.ts";
import type { Static } from "./static.ts";

/** The names of a body, inner to outer; assignment and `push` change the nearest binding. */
export class Scope {
  private readonly bindings = new Map<string, Static>();
  private readonly parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.parent = parent;
  }

  declare(name: string, value: Static): void {
    this.bindings.set(name, value);
  }

  assign(name: string, value: Static): void {
    if (this.bindings.has(name)) this.bindings.set(name, value);
    else if (this.parent !== undefined) this.parent.assign(name, value);
    else throw new Error(`expand: ${name} is assigned but not declared, which check should have found`);
  }

  lookUp(name: string): Static | undefined {
    return this.bindings.get(name) ?? this.parent?.lookUp(name);
  }
}

/** What a whole graph shares while it is expanded. */
export interface Expansion {
  readonly program: Program;
  readonly globals: Globals;
  readonly builder: GraphBuilder;
  readonly precision: "f32" | "f16";
  /** Types of the results of block calls, by callee and arguments, where only shapes are asked for: a call like an earlier one is not expanded again. */
  readonly known: Map<string, AxisType> | undefined;
  /** Calls and rounds so far. */
  readonly steps: { count: number };
  /** Calls of blocks and ops; a field, so that evaluating does not import calling. */
  readonly call: (call: CallExpression, frame: Frame) => Static;
}

export interface Frame {
  readonly expansion: Expansion;
  readonly file: string;
  readonly scope: Scope;
  /** Labels so far, joined by dots; empty at the root of a graph. */
  readonly path: string;
  readonly expandedFrom: Origin["expandedFrom"];
}

export function join(path: string, label: string): string {
  return path === "" ? label : `${path}.${label}`;
}

export function labelled(frame: Frame, label: Identifier | undefined): Frame {
  return label === undefined ? frame : { ...frame, path: join(frame.path, label.name) };
}

export function originAt(frame: Frame, span: Span): Origin {
  return { path: frame.path, span, expandedFrom: frame.expandedFrom };
}

function relatedOf(frame: Frame): Related[] {
  return frame.expandedFrom.map(({ block, span }) => ({ message: `expanded from ${block}`, span }));
}

/** A diagnostic maker that adds where the frame was expanded from, and throws. */
export const fail: (frame: Frame, ...diagnostic: Parameters<typeof expandDiagnostic>) => never = (frame, code, span, holes, more) => {
  throw new ExpansionFailure(expandDiagnostic(code, span, holes, { ...more, related: [...(more?.related ?? []), ...relatedOf(frame)] }));
};

/** Calls and rounds of `repeat` in one graph: far above any model, so that blocks that multiply each other end in a sentence. */
export const mostSteps = 100_000;

export function takeStep(frame: Frame, span: Span): void {
  frame.expansion.steps.count++;
  if (frame.expansion.steps.count > mostSteps) fail(frame, "too-large", span, { most: mostSteps });
}
