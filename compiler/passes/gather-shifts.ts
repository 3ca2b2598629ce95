/** Adds small shifts to each other before they meet the large value: `(x + a) + b` becomes `x + (a + b)`, one pass over x instead of two. */

import { type Graph, type OpValue, sizeOf, type ValueId } from "../graph/graph.ts";
import { countReaders, type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

/** The adaptor's shift and the time embedding, in every residual block. Only where nothing else reads `x + a`. */
export function gatherShifts(graph: Graph): Graph {
  const readers = countReaders(graph);
  return rewriteOps(graph, (op, rewriting) => (op.op === "add" ? gathered(op, rewriting, readers) : undefined));
}

function gathered(op: OpValue, { builder, value }: Rewriting, readers: ReadonlyMap<ValueId, number>): ValueId | undefined {
  const size = (id: ValueId) => sizeOf(builder.typeOf(id).shape);
  const whole = sizeOf(op.type.shape);
  const [left, right] = op.inputs;
  if (left === undefined || right === undefined || size(right) * 8 > whole) return undefined;
  const inner = value(left);
  if (inner.kind !== "op" || inner.op !== "add" || (readers.get(left) ?? 0) > 1 || size(left) !== whole) return undefined;
  const [x, shift] = inner.inputs;
  if (x === undefined || shift === undefined || size(x) !== whole || size(shift) * 8 > whole) return undefined;
  const both = builder.op("add", [shift, right], {}, inner.origin);
  // Two small shifts may stretch each other to something that is small no more.
  return size(both) * 8 > whole ? undefined : builder.op("add", [x, both], {}, op.origin, op.type);
}
