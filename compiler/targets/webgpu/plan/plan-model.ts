/** Every graph of a compiled model to its plan within a device's limits, or the diagnostics that say what is beyond them. */

import type { Diagnostic, Span } from "../../../../dsl/index.ts";
import type { Compiled } from "../../../compile.ts";
import { graphsOf } from "../../../expand/expand.ts";
import { expandDiagnostic } from "../../../expand/messages.ts";
import type { Graph } from "../../../graph/graph.ts";
import { addressable, type Breach, breachesOf, type DeviceLimits } from "./limits.ts";
import { kernelLibrary, type Planned, planGraph } from "./plan.ts";
import { uncountable, unplannable } from "./unplannable.ts";

export type PlanResult =
  | { readonly ok: true; readonly plans: ReadonlyMap<string, Planned> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function planModel({ graphs, configuration }: Compiled, given: DeviceLimits): PlanResult {
  const limits = addressable(given);
  const plans = new Map<string, Planned>();
  const diagnostics: Diagnostic[] = [];
  const refuse = (name: string, graph: Graph, breach: Breach): void => {
    const declaration = graphsOf(configuration).find((one) => one.name.name === name)?.name ?? configuration.model.name;
    diagnostics.push(diagnosticOf(name, breach, spanOf(graph, breach) ?? declaration.span));
  };
  for (const [name, graph] of graphs) {
    const breach = unplannable(graph, limits);
    if (breach !== undefined) refuse(name, graph, breach);
  }
  const library = kernelLibrary(limits);
  for (const [name, graph] of diagnostics.length > 0 ? [] : graphs) {
    const planned = planGraph(graph, limits, library);
    plans.set(name, planned);
    const breach = uncountable(planned.graph) ?? breachesOf(planned.plan, limits)[0];
    if (breach !== undefined) refuse(name, planned.graph, breach);
  }
  const spans = new Map(diagnostics.map((diagnostic) => [`${diagnostic.span.file} ${diagnostic.span.start}`, diagnostic]));
  return diagnostics.length > 0 ? { ok: false, diagnostics: [...spans.values()] } : { ok: true, plans };
}

/** Labels of kernels begin with the weight path of what they compute. */
function spanOf(graph: Graph, { what }: Breach): Span | undefined {
  for (const value of graph.values) {
    if (value.kind !== "op" || value.origin.path === "") continue;
    if (what === value.origin.path || what.startsWith(`${value.origin.path} (`)) return value.origin.span;
  }
  return undefined;
}

function diagnosticOf(graph: string, { limit, what, needed, allowed }: Breach, span: Span): Diagnostic {
  const holes = { graph, what, limit, needed, allowed };
  const hint =
    "build with smaller sizes, with `--precision f16`, for a larger device with `--limits FILE.json`, or without WebGPU with `--target onnx`";
  return expandDiagnostic("device-limit", span, holes, { hint });
}
