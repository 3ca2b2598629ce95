/** The i32 inputs of a graph to how many ids each may hold: the rows of the smallest table that they are looked up in. */

import { type Graph, type Origin, type ValueId, valuesById } from "../graph/graph.ts";

/** Ops whose results hold elements of their inputs and nothing else. */
const carrying = new Set(["reshape", "transpose", "broadcast", "concat", "slice", "upsample"]);

export interface IdTable {
  readonly rows: number;
  /** Of the op that looks ids up. */
  readonly origin: Origin;
}

/** The smallest table of each input; inputs that no table is read by have no entry. */
export function idTables(graph: Graph): ReadonlyMap<string, IdTable> {
  const byId = valuesById(graph);
  const inputsIn = new Map<ValueId, ReadonlySet<string>>();
  const tables = new Map<string, IdTable>();
  for (const value of graph.values) {
    if (value.kind === "input" && value.type.dtype === "i32") inputsIn.set(value.id, new Set([value.name]));
    if (value.kind !== "op") continue;
    if (carrying.has(value.op)) inputsIn.set(value.id, new Set(value.inputs.flatMap((id) => [...(inputsIn.get(id) ?? [])])));
    const [ids, table] = value.inputs;
    if (value.op !== "embedding" || ids === undefined || table === undefined) continue;
    const rows = byId(table).type.shape[0] ?? 0;
    for (const name of inputsIn.get(ids) ?? []) {
      if (rows < (tables.get(name)?.rows ?? Number.POSITIVE_INFINITY)) tables.set(name, { rows, origin: value.origin });
    }
  }
  return tables;
}

/** How many ids each input may hold. */
export function idBounds(graph: Graph): ReadonlyMap<string, number> {
  return new Map([...idTables(graph)].map(([name, { rows }]) => [name, rows]));
}
