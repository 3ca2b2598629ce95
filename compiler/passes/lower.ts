/** Replaces each composite op by the primitives that its row of the table lowers it to. */

import type { Graph } from "../graph/graph.ts";
import { opEntry } from "../ops/table.ts";
import { rewriteOps } from "../rewriting/rewrite.ts";

export function lowerComposites(graph: Graph): Graph {
  return rewriteOps(graph, (op, { builder }) => {
    const entry = opEntry(op.op);
    return "lower" in entry ? entry.lower(builder.lowering(op.origin), op.inputs, op) : undefined;
  });
}
