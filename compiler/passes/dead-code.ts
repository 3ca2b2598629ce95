/** Removes values that no output needs; inputs stay, as they are the graph's signature. */

import type { Graph } from "../graph/graph.ts";

export function removeDeadCode(graph: Graph): Graph {
  const live = new Set(graph.outputs.map((output) => output.value));
  // What reads a value stands behind it.
  for (const value of [...graph.values].reverse()) {
    if (value.kind === "op" && live.has(value.id)) for (const id of value.inputs) live.add(id);
  }
  return { ...graph, values: graph.values.filter((value) => value.kind === "input" || live.has(value.id)) };
}
