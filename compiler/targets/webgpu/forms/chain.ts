/** The element ops and index maps that follow a core within its kernel: where the core's results stand in the value that reaches memory. */

import { type OpValue, sizeOf, type Value, type ValueId } from "../../../graph/graph.ts";
import { type Coordinate, regroup } from "../layout/coordinates.ts";
import { formOf } from "./table.ts";

/** The ops from the core's result up to the tail, each reading the one before it. */
export function chain(from: OpValue, tail: OpValue, value: (id: ValueId) => Value): readonly OpValue[] {
  const seen = new Set<ValueId>();
  const search = (op: Value): readonly OpValue[] | undefined => {
    if (op.id === from.id) return [];
    if (seen.has(op.id)) return undefined;
    seen.add(op.id);
    if (op.kind !== "op" || sizeOf(op.type.shape) !== sizeOf(from.type.shape)) return undefined;
    const form = formOf(op.op);
    if (form.kind === "kernel" || (form.kind === "move" && !form.bijective)) return undefined;
    for (const id of op.inputs) {
      const below = search(value(id));
      if (below !== undefined) return [...below, op];
    }
    return undefined;
  };
  const found = search(tail);
  if (found === undefined) throw new Error(`wgsl: ${tail.op} at ${tail.origin.path} does not follow ${from.op}`);
  return found;
}

/** The place in the tail that an element of the core's result goes to. */
export function follow(ops: readonly OpValue[], at: readonly Coordinate[]): readonly Coordinate[] {
  return ops.reduce((place, op) => {
    if (op.op === "reshape") return regroup(place, op.type.shape);
    if (op.op !== "transpose") return place;
    const permutation = op.attributes.permutation as readonly number[];
    return permutation.map((axis) => place[axis] ?? []);
  }, at);
}

/** The geglu between a linear and its tail, if there is one. */
export function gatedBelow(tail: OpValue, core: OpValue, byId: (id: ValueId) => Value): OpValue | undefined {
  const seen = new Set<ValueId>();
  const visit = (op: OpValue): OpValue | undefined => {
    if (seen.has(op.id)) return undefined;
    seen.add(op.id);
    if (op.op === "geglu" && op.inputs[0] === core.id) return op;
    if (op.id === core.id || formOf(op.op).kind === "kernel") return undefined;
    for (const id of op.inputs) {
      const value = byId(id);
      const found = value.kind === "op" ? visit(value) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(tail);
}
