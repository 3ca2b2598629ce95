/** The i32 inputs of a graph to how many ids each may hold: the rows of the smallest table that they are looked up in. */

import { type Graph, type OpValue, type ValueId, valuesById } from "../graph/graph.ts";

/** Ops whose results hold elements of their inputs and nothing else. */
const carrying = new Set(["reshape", "transpose", "broadcast", "concat", "slice", "upsample", "gather"]);

/** Inputs that no table is read by have no entry. */
export function idBounds(graph: Graph): ReadonlyMap<string, number> {
  const byId = valuesById(graph);
  const inputsIn = new Map<ValueId, ReadonlySet<string>>();
  const bounds = new Map<string, number>();
  for (const value of graph.values) {
    if (value.kind === "input" && value.type.dtype === "i32") inputsIn.set(value.id, new Set([value.name]));
    if (value.kind !== "op") continue;
    const lookup = lookupOf(value);
    const carried = value.inputs.filter((id) => id !== lookup?.ids);
    if (carrying.has(value.op)) inputsIn.set(value.id, new Set(carried.flatMap((id) => [...(inputsIn.get(id) ?? [])])));
    if (lookup === undefined) continue;
    const rows = byId(lookup.table).type.shape[lookup.axis] ?? 0;
    for (const name of inputsIn.get(lookup.ids) ?? []) bounds.set(name, Math.min(rows, bounds.get(name) ?? rows));
  }
  return bounds;
}

/** Which ids an op looks up along which axis of what. */
function lookupOf(op: OpValue): { readonly ids: ValueId; readonly table: ValueId; readonly axis: number } | undefined {
  const [first = -1, second = -1] = op.inputs;
  if (op.op === "embedding") return { ids: first, table: second, axis: 0 };
  return op.op === "gather" ? { ids: second, table: first, axis: op.attributes.axis } : undefined;
}
