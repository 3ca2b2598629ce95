/** Computes equal values once: the same op on the same inputs with the same attributes, and equal constants. */

import type { Graph, Value, ValueId } from "../graph/graph.ts";
import { showAttributes, showType } from "../graph/print.ts";

export function shareSubexpressions(graph: Graph): Graph {
  const first = new Map<string, ValueId>();
  const replaced = new Map<ValueId, ValueId>();
  const mapped = (id: ValueId): ValueId => replaced.get(id) ?? id;
  const values: Value[] = [];
  for (const value of graph.values) {
    const current = value.kind === "op" ? { ...value, inputs: value.inputs.map(mapped) } : value;
    const key = keyOf(current);
    const known = key === undefined ? undefined : first.get(key);
    if (known !== undefined) {
      replaced.set(value.id, known);
      continue;
    }
    if (key !== undefined) first.set(key, value.id);
    values.push(current);
  }
  return { ...graph, values, outputs: graph.outputs.map((output) => ({ ...output, value: mapped(output.value) })) };
}

/** Long constants are left alone: comparing them costs more than they do. */
function keyOf(value: Value): string | undefined {
  if (value.kind === "op") return `${value.op}(${value.inputs.join(",")})${showAttributes(value.attributes)}`;
  if (value.kind === "constant" && value.data.length <= 4096) return `${showType(value.type)}=${value.data.join(",")}`;
  return undefined;
}
