/** Cancels data movement: reshapes of reshapes, transposes of transposes, and those that move nothing. */

import type { Graph, OpValue, OpValueOf, ValueId } from "../graph/graph.ts";
import { type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

export function cancelLayout(graph: Graph): Graph {
  return rewriteOps(graph, (op, rewriting) => {
    switch (op.op) {
      case "reshape":
        return reshaped(source(op), op, rewriting);
      case "transpose":
        return transposed(op, rewriting);
      case "broadcast":
        return sameShape(rewriting.builder.typeOf(source(op)).shape, op.type.shape) ? source(op) : undefined;
      default:
        return undefined;
    }
  });
}

/** The value in the shape of the op that it takes the place of, straight from what it was reshaped from. */
function reshaped(id: ValueId, { type, origin }: OpValue, { builder, value }: Rewriting): ValueId {
  const before = value(id);
  const from = before.kind === "op" && before.op === "reshape" ? source(before) : id;
  return sameShape(builder.typeOf(from).shape, type.shape) ? from : builder.op("reshape", [from], { shape: type.shape }, origin, type);
}

/** Two transposes are one; one that keeps the order of the axes longer than 1 is a reshape, which costs nothing. */
function transposed(op: OpValueOf<"transpose">, rewriting: Rewriting): ValueId {
  const { builder, value } = rewriting;
  const before = value(source(op));
  const first = before.kind === "op" && before.op === "transpose" ? before : undefined;
  const from = first === undefined ? source(op) : source(first);
  const permutation = op.attributes.permutation.map((axis) => first?.attributes.permutation[axis] ?? axis);
  const { shape } = builder.typeOf(from);
  const moved = permutation.filter((axis) => shape[axis] !== 1);
  if (moved.every((axis, i) => axis > (moved[i - 1] ?? -1))) return reshaped(from, op, rewriting);
  return builder.op("transpose", [from], { permutation }, op.origin, op.type);
}

function source(op: OpValue): ValueId {
  return op.inputs[0] ?? -1;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
