/** The calls that a place was expanded from to what an error says of them. */

import type { Related } from "../../dsl/index.ts";
import type { Origin } from "../graph/graph.ts";

/** Of very many calls, the innermost and the outermost. */
export function relatedCalls(expandedFrom: Origin["expandedFrom"]): Related[] {
  const calls = expandedFrom.map(({ block, span }) => ({ message: `expanded from ${block}`, span }));
  const left = calls[ends.inner];
  if (left === undefined || calls.length <= ends.inner + ends.outer + 1) return calls;
  const message = `expanded from ${calls.length - ends.inner - ends.outer} more calls, the first of them`;
  return [...calls.slice(0, ends.inner), { ...left, message }, ...calls.slice(-ends.outer)];
}

const ends = { inner: 12, outer: 4 };
