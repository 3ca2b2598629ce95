/** Removes values that no output needs; inputs stay, as they are the graph's signature. */

import { type Graph, type ValueId, valuesById } from "../graph/graph.ts";

export function removeDeadCode(graph: Graph): Graph {
  const byId = valuesById(graph);
  const live = new Set<ValueId>();
  const pending = graph.outputs.map((output) => output.value);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (live.has(id)) continue;
    live.add(id);
    const value = byId(id);
    if (value.kind === "op") pending.push(...value.inputs);
  }
  return { ...graph, values: graph.values.filter((value) => value.kind === "input" || live.has(value.id)) };
}
