/** A graph that the sampler runs on several clips at once to the error of clips that read each other: each is to come out as if alone. */

import type { Diagnostic, GraphDeclaration } from "../../dsl/index.ts";
import { rowsKeepApart, whereRowsMix } from "../analysis/dependence.ts";
import type { Graph, Origin } from "../graph/graph.ts";
import type { Configuration } from "./configure.ts";
import { expandGraph } from "./expand.ts";
import type { Attempt } from "./failure.ts";
import type { KnownCalls } from "./known-calls.ts";
import { expandDiagnostic } from "./messages.ts";
import { relatedCalls } from "./related-calls.ts";

/**
 * A graph whose inputs and result have the batch first, refused if its clips mix. It may be one of which only shapes are known;
 * with the calls that it alone has, clips may be seen to keep apart without the whole.
 */
export function unmixed(configuration: Configuration, declaration: GraphDeclaration, graph: Graph, known?: KnownCalls): Attempt<Graph> {
  const inputs = graph.values.filter(({ kind }) => kind === "input");
  // A call that was left out stands as one more input, behind the graph's own.
  const own = declaration.parameters.length;
  if (inputs.slice(0, own).every(({ type }) => type.shape[0] === 1)) return { ok: true, value: graph };
  const leftOut = inputs.length - own;
  if (known?.standIns.size === leftOut && rowsKeepApart(graph, known.standIns)) return { ok: true, value: graph };
  const whole = leftOut === 0 ? undefined : expandGraph(configuration, declaration);
  if (whole?.ok === false) return whole;
  const value = whole?.value.graph ?? graph;
  const origin = whereRowsMix(value);
  return origin === undefined ? { ok: true, value } : { ok: false, diagnostics: [mixedBatch(graph.name, origin)] };
}

function mixedBatch(graph: string, origin: Origin): Diagnostic {
  const hint = "let the batch stay the outermost part of the first axis in every value: `[B * F, …]`, not `[F * B, …]`";
  return expandDiagnostic("mixed-batch", origin.span, { graph }, { hint, related: relatedCalls(origin.expandedFrom) });
}
