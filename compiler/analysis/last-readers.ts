/** A graph to where each of its values is read last, after which its memory is free. */

import type { Graph, ValueId } from "../graph/graph.ts";

/** The index of the value that reads each value last; outputs are read at the end. */
export function lastReaders(graph: Graph): ReadonlyMap<ValueId, number> {
  const last = new Map<ValueId, number>();
  for (const [index, value] of graph.values.entries()) if (value.kind === "op") for (const id of value.inputs) last.set(id, index);
  for (const output of graph.outputs) last.set(output.value, graph.values.length);
  return last;
}
