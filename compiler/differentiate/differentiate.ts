/** A graph of a loss to the same graph with the gradients of weights beside it: reverse mode, op by op from the loss back. */

import type { Graph, OpValue, Value, ValueId } from "../graph/graph.ts";
import { inputAt } from "../ops/rules.ts";
import type { PrimitiveName } from "../ops/table.ts";
import { lowerComposites } from "../passes/lower.ts";
import { GraphBuilder } from "../rewriting/builder.ts";
import type { GradientRule } from "./rule.ts";
import { gradientRules } from "./table.ts";

/** The name of the output that is ∂loss/∂weight. */
export function gradientName(path: string): string {
  return `gradient of ${path}`;
}

/**
 * The graph's first output is the loss, f32 [1]; behind its outputs come `gradient of PATH`, f32 of the weight's shape, for each of `weights` in their order.
 * Composites are lowered first. What the loss does not need, of gradients nobody asked for among it, is left to dead code.
 * Throws for a loss of another type, for a path that comes twice, is not in the graph or is not of f32, and for one that the loss does not depend on: callers have checked all of that.
 */
export function differentiate(graph: Graph, weights: readonly string[]): Graph {
  const lowered = lowerComposites(graph);
  const fail = (what: string): never => {
    throw new Error(`differentiate ${graph.name}: ${what}`);
  };
  const [loss] = lowered.outputs;
  if (loss === undefined) return fail("it has no output");
  const builder = new GraphBuilder();
  const wanted = weights.map((path) => weightOf(lowered, path) ?? fail(`there is no weight ${path}`));
  if (new Set(wanted).size < wanted.length) fail("a weight is asked for twice");
  for (const value of lowered.values) builder.keep(value);
  for (const value of wanted) if (value.type.dtype !== "f32") fail(`weight ${value.path} is ${value.type.dtype}, not f32`);
  const { dtype, shape } = builder.typeOf(loss.value);
  if (dtype !== "f32" || shape.join() !== "1") fail(`the loss ${loss.name} should be f32 [1], but it is ${dtype} [${shape.join(", ")}]`);

  const backward = new Backward(builder, trainedValues(lowered, new Set(wanted.map(({ id }) => id))));
  backward.add(loss.value, builder.constant({ dtype, shape }, [1]));
  for (const value of [...lowered.values].reverse()) if (value.kind === "op") backward.through(value);
  const outputs = wanted.map(({ id, path, type, axes }) => ({
    name: gradientName(path),
    value: backward.gradientOf(id) ?? fail(`the loss does not depend on weight ${path}`),
    axes: axes ?? type.shape.map(String),
  }));
  return builder.finish(graph.name, [...lowered.outputs, ...outputs]);
}

function weightOf(graph: Graph, path: string): Extract<Value, { readonly kind: "weight" }> | undefined {
  return graph.values.find((value) => value.kind === "weight" && value.path === path) as ReturnType<typeof weightOf>;
}

/** The weights, and all values that a small change of them changes. */
function trainedValues(graph: Graph, weights: ReadonlySet<ValueId>): ReadonlySet<ValueId> {
  const trained = new Set(weights);
  for (const value of graph.values) {
    if (value.kind === "op" && value.type.dtype !== "i32" && value.inputs.some((id) => trained.has(id))) trained.add(value.id);
  }
  return trained;
}

/** Gradients by value while the pass goes back. */
class Backward {
  private readonly gradients = new Map<ValueId, ValueId>();
  private readonly builder: GraphBuilder;
  private readonly trained: ReadonlySet<ValueId>;

  constructor(builder: GraphBuilder, trained: ReadonlySet<ValueId>) {
    this.builder = builder;
    this.trained = trained;
  }

  gradientOf(id: ValueId): ValueId | undefined {
    return this.gradients.get(id);
  }

  /** Only where anything trained lies behind the value. */
  add(id: ValueId, gradient: ValueId, origin?: OpValue["origin"]): void {
    if (!this.trained.has(id)) return;
    const known = this.gradients.get(id);
    const isFirst = known === undefined || origin === undefined;
    this.gradients.set(id, isFirst ? gradient : this.builder.op("add", [known, gradient], {}, origin));
  }

  /** All readers of the op's result have been passed. */
  through(op: OpValue): void {
    const gradient = this.gradients.get(op.id);
    if (gradient === undefined) return;
    const wanted = op.inputs.map((id) => this.trained.has(id));
    const rule = gradientRules[op.op as PrimitiveName] as GradientRule<PrimitiveName>;
    const { inputs, id: result, type, attributes, origin } = op;
    const made = rule(this.builder.lowering(origin), { inputs, result, type, attributes, gradient, wanted } as Parameters<typeof rule>[1]);
    for (const [i, one] of made.entries()) if (one !== undefined) this.add(inputAt(inputs, i), one, origin);
  }
}
