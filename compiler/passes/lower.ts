/** Replaces each composite op by the primitives that its row of the table lowers it to, until none is left. */

import type { Graph } from "../graph/graph.ts";
import { isComposite, opEntry } from "../ops/table.ts";
import { rewriteOps } from "../rewriting/rewrite.ts";

export function lowerComposites(graph: Graph): Graph {
  let lowered = graph;
  const hasComposites = () => lowered.values.some((value) => value.kind === "op" && isComposite(value.op));
  // A composite may lower to another composite, never to itself: the table's depth bounds the rounds.
  for (let round = 0; hasComposites(); round++) {
    if (round > 8) throw new Error(`lower: graph ${graph.name} still has composite ops after ${round} rounds`);
    lowered = rewriteOps(lowered, (op, { builder }) => {
      const entry = opEntry(op.op);
      return "lower" in entry ? entry.lower(builder.lowering(op.origin), op.inputs, op) : undefined;
    });
  }
  return lowered;
}
