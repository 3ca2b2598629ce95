/** Adds small shifts to each other before they meet the large value: `(x + a) + b` becomes `x + (a + b)`, one pass over x instead of two. */

import { type Graph, type OpValue, sizeOf, type ValueId } from "../graph/graph.ts";
import { countReaders, type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

/** The adaptor's shift and the time embedding, in every residual block. Only where nothing else reads `x + a`. */
export function gatherShifts(graph: Graph): Graph {
  const readers = new Map(countReaders(graph));
  return rewriteOps(graph, (op, rewriting) => {
    const made = op.op === "add" ? gathered(op, rewriting, readers) : undefined;
    // What takes the sum's place is read as often as the sum.
    if (made !== undefined) readers.set(made, readers.get(op.id) ?? 0);
    return made;
  });
}

function gathered(op: OpValue, { builder, value }: Rewriting, readers: ReadonlyMap<ValueId, number>): ValueId | undefined {
  const whole = sizeOf(op.type.shape);
  const [left = -1, right = -1] = op.inputs;
  const inner = value(left);
  if (inner.kind !== "op" || inner.op !== "add" || readers.get(left) !== 1) return undefined;
  const [x = -1, shift = -1] = inner.inputs;
  const both = builder.op("add", [shift, right], {}, inner.origin);
  // One is large, or they stretch each other to something that is small no more: the sum is left to die.
  return sizeOf(builder.typeOf(both).shape) * 8 <= whole ? builder.op("add", [x, both], {}, op.origin, op.type) : undefined;
}
