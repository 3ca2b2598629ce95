/** A planned graph to the list of its values that a tool can look at between two dispatches. */

import type { Graph, ValueId } from "../../../graph/graph.ts";
import type { Binding, PlannedValue } from "../../../package/plan.ts";
import { type Group, isInPlace } from "../layout/group.ts";
import type { Storage } from "./storage.ts";

/** Of `whole`, the graph as the package has it; values that `graph` computes in pieces count once they are whole. */
export function valuesInMemory(
  whole: Graph,
  graph: Graph,
  groups: readonly Group[],
  storage: Storage,
  bindingOf: (buffer: string) => Binding,
): readonly PlannedValue[] {
  const madeAt = new Map<ValueId, number>();
  for (const [at, { kind, siblings, tail }] of groups.entries()) {
    if (kind === "kernel") for (const { id } of [...siblings, tail]) madeAt.set(id, at);
  }
  for (const value of graph.values) {
    if (!isInPlace(value)) continue;
    const { id } = value;
    const pieces = value.inputs.map((piece) => madeAt.get(piece));
    if (pieces.includes(undefined)) throw new Error(`plan: a piece of %${id} is never computed`);
    madeAt.set(
      id,
      pieces.reduce<number>((latest, at) => Math.max(latest, at ?? 0), 0),
    );
  }
  return whole.values.flatMap(({ id }): PlannedValue[] => {
    const after = madeAt.get(id);
    const stored = after === undefined ? undefined : storage.stored(id);
    if (after === undefined || stored === undefined) return [];
    const { buffer, dtype, strides, start } = stored;
    return [{ value: id, after, binding: bindingOf(buffer), dtype, strides, start }];
  });
}
