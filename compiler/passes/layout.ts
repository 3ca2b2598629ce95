/** Cancels data movement: reshapes of reshapes, transposes of transposes, and those that move nothing. */

import type { Graph, OpValue, OpValueOf, ValueId } from "../graph/graph.ts";
import { type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

export function cancelLayout(graph: Graph): Graph {
  return rewriteOps(graph, (op, rewriting) => {
    switch (op.op) {
      case "reshape":
        return reshape(op, rewriting);
      case "transpose":
        return transpose(op, rewriting);
      case "broadcast":
        return sameShape(shapeAt(op, rewriting), op.type.shape) ? source(op) : undefined;
      default:
        return undefined;
    }
  });
}

function reshape(op: OpValueOf<"reshape">, rewriting: Rewriting): ValueId | undefined {
  const id = source(op);
  if (sameShape(shapeAt(op, rewriting), op.type.shape)) return id;
  const before = rewriting.value(id);
  if (before.kind !== "op" || before.op !== "reshape") return undefined;
  const origin = source(before);
  if (sameShape(rewriting.builder.typeOf(origin).shape, op.type.shape)) return origin;
  return rewriting.builder.op("reshape", [origin], op.attributes, op.origin, op.type);
}

/** A transpose that keeps the order of the axes longer than 1 is a reshape, which costs nothing. */
function transpose(op: OpValueOf<"transpose">, rewriting: Rewriting): ValueId | undefined {
  const id = source(op);
  const { permutation } = op.attributes;
  if (permutation.every((axis, i) => axis === i)) return id;
  const shape = shapeAt(op, rewriting);
  const moved = permutation.filter((axis) => (shape[axis] ?? 1) > 1);
  if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] ?? -1))) {
    return rewriting.builder.op("reshape", [id], { shape: op.type.shape }, op.origin, op.type);
  }
  const before = rewriting.value(id);
  if (before.kind !== "op" || before.op !== "transpose") return undefined;
  const first = before.attributes.permutation;
  const combined = permutation.map((axis) => first[axis] ?? axis);
  if (combined.every((axis, i) => axis === i)) return source(before);
  return rewriting.builder.op("transpose", [source(before)], { permutation: combined }, op.origin, op.type);
}

function source(op: OpValue): ValueId {
  return op.inputs[0] ?? -1;
}

function shapeAt(op: OpValue, rewriting: Rewriting): readonly number[] {
  return rewriting.builder.typeOf(source(op)).shape;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
