/** The i32 inputs of a graph to how many ids each may hold: the rows of the smallest table that they are looked up in. */

import { type Graph, type ValueId, valuesById } from "../graph/graph.ts";

/** Ops whose results hold elements of their inputs and nothing else. */
const carrying = new Set(["reshape", "transpose", "broadcast", "concat", "slice", "upsample"]);

/** Inputs that no table is read by have no entry. */
export function idBounds(graph: Graph): ReadonlyMap<string, number> {
  const byId = valuesById(graph);
  const inputsIn = new Map<ValueId, ReadonlySet<string>>();
  const bounds = new Map<string, number>();
  for (const value of graph.values) {
    if (value.kind === "input" && value.type.dtype === "i32") inputsIn.set(value.id, new Set([value.name]));
    if (value.kind !== "op") continue;
    if (carrying.has(value.op)) inputsIn.set(value.id, new Set(value.inputs.flatMap((id) => [...(inputsIn.get(id) ?? [])])));
    const [ids, table] = value.inputs;
    if (value.op !== "embedding" || ids === undefined || table === undefined) continue;
    const rows = byId(table).type.shape[0] ?? 0;
    for (const name of inputsIn.get(ids) ?? []) bounds.set(name, Math.min(rows, bounds.get(name) ?? rows));
  }
  return bounds;
}
