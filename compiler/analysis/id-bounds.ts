/** The i32 inputs of a graph to how many ids each may hold: the rows of the smallest table that they are looked up in. */

import { type Graph, type OpValue, type Origin, type ValueId, valuesById } from "../graph/graph.ts";

/** Ops whose results hold elements of their inputs and nothing else. */
const carrying = new Set(["reshape", "transpose", "broadcast", "concat", "slice", "upsample", "gather"]);

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
    const lookup = lookupOf(value);
    const carried = value.inputs.filter((id) => id !== lookup?.ids);
    if (carrying.has(value.op)) inputsIn.set(value.id, new Set(carried.flatMap((id) => [...(inputsIn.get(id) ?? [])])));
    if (lookup === undefined) continue;
    const rows = byId(lookup.table).type.shape[lookup.axis] ?? 0;
    for (const name of inputsIn.get(lookup.ids) ?? []) {
      if (rows < (tables.get(name)?.rows ?? Number.POSITIVE_INFINITY)) tables.set(name, { rows, origin: value.origin });
    }
  }
  return tables;
}

/** How many ids each input may hold. */
export function idBounds(graph: Graph): ReadonlyMap<string, number> {
  return new Map([...idTables(graph)].map(([name, { rows }]) => [name, rows]));
}

export interface Lookup {
  readonly ids: ValueId;
  readonly table: ValueId;
  readonly axis: number;
}

/** Which ids an op looks up along which axis of what. */
export function lookupOf(op: OpValue): Lookup | undefined {
  const [first = -1, second = -1] = op.inputs;
  if (op.op === "embedding") return { ids: first, table: second, axis: 0 };
  return op.op === "gather" ? { ids: second, table: first, axis: op.attributes.axis } : undefined;
}
