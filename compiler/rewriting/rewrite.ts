/** Rebuilds a graph value by value under a rule; the shape that every pass has. */

import type { Graph, OpValue, Value, ValueId } from "../graph/graph.ts";
import { GraphBuilder } from "./builder.ts";

export interface Rewriting {
  readonly builder: GraphBuilder;
  /** A value of the new graph by its id there. */
  readonly value: (id: ValueId) => Value;
}

/**
 * Calls `rule` for each op, its inputs already those of the new graph; the rule returns the id of what takes its place,
 * or nothing to keep it. Values that are no longer read stay until dead code is removed.
 */
export function rewriteOps(graph: Graph, rule: (op: OpValue, rewriting: Rewriting) => ValueId | undefined): Graph {
  const builder = new RecordingBuilder(1 + graph.values.reduce((largest, value) => Math.max(largest, value.id), -1));
  const rewriting: Rewriting = { builder, value: (id) => builder.value(id) };
  const replaced = new Map<ValueId, ValueId>();
  const mapped = (id: ValueId): ValueId => replaced.get(id) ?? id;
  for (const value of graph.values) {
    if (value.kind !== "op") {
      builder.keep(value);
      continue;
    }
    const inputs = value.inputs.map(mapped);
    const current: OpValue = inputs.some((id, i) => id !== value.inputs[i]) ? { ...value, inputs } : value;
    const replacement = rule(current, rewriting);
    if (replacement === undefined) builder.keep(current);
    else if (replacement !== value.id) replaced.set(value.id, replacement);
  }
  return builder.finish(
    graph.name,
    graph.outputs.map((output) => ({ ...output, value: mapped(output.value) })),
  );
}

class RecordingBuilder extends GraphBuilder {
  private readonly byId = new Map<ValueId, Value>();

  override keep(value: Value): ValueId {
    this.byId.set(value.id, value);
    return super.keep(value);
  }

  value(id: ValueId): Value {
    const value = this.byId.get(id);
    if (value === undefined) throw new Error(`rewrite: %${id} is not in the new graph`);
    return value;
  }
}

/** How many times each value is read, outputs of the graph included. */
export function countReaders(graph: Graph): ReadonlyMap<ValueId, number> {
  const readers = new Map<ValueId, number>();
  const read = (id: ValueId) => readers.set(id, (readers.get(id) ?? 0) + 1);
  for (const value of graph.values) if (value.kind === "op") value.inputs.forEach(read);
  for (const output of graph.outputs) read(output.value);
  return readers;
}
