/** Adds two values in the axes that a transpose leaves, and reshapes the sum: ONNX Runtime else moves the transpose past the reshape and does it over five loose axes. */

import type { Graph, OpValue, ValueId } from "../graph/graph.ts";
import { type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

/** `x + reshape(transpose(y))` becomes `reshape(reshape(x) + transpose(y))`; the reshapes move nothing. */
export function sinkReshapes(graph: Graph): Graph {
  return rewriteOps(graph, (op, rewriting) => (op.op === "add" ? sunk(op, rewriting) : undefined));
}

function sunk(op: OpValue, { builder, value }: Rewriting): ValueId | undefined {
  const [left = -1, right = -1] = op.inputs;
  const reshape = value(right);
  if (reshape.kind !== "op" || reshape.op !== "reshape") return undefined;
  const moved = value(reshape.inputs[0] ?? -1);
  const whole = (id: ValueId) => builder.typeOf(id).shape.join() === op.type.shape.join();
  if (moved.kind !== "op" || moved.op !== "transpose" || !whole(left) || !whole(right)) return undefined;
  const other = builder.op("reshape", [left], { shape: moved.type.shape }, op.origin);
  const sum = builder.op("add", [other, moved.id], {}, op.origin);
  return builder.op("reshape", [sum], { shape: op.type.shape }, op.origin, op.type);
}
