/** Every graph of a module to its plan within a device's limits, or the diagnostics that say what is beyond them. */

import type { Diagnostic, Span } from "../../../dsl/index.ts";
import type { Module } from "../../module/module.ts";
import { type Trace, untraced } from "../../rewriting/trace.ts";
import { webgpuDiagnostic } from "./messages.ts";
import { type Breach, breachesOf, type DeviceLimits } from "./plan/limits.ts";
import { kernelLibrary, type Planned, planGraph } from "./plan-graph.ts";

export type PlanResult =
  | { readonly ok: true; readonly plans: ReadonlyMap<string, Planned> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function planModel({ graphs, origins }: Module, limits: DeviceLimits, trace: Trace = untraced): PlanResult {
  const plans = new Map<string, Planned>();
  const diagnostics: Diagnostic[] = [];
  const library = kernelLibrary(limits);
  for (const [name, graph] of graphs) {
    const planned = planGraph(graph, limits, library, trace);
    plans.set(name, planned);
    const [first] = breachesOf(planned.plan, limits);
    const span = origins.get(name);
    if (span === undefined) throw new Error(`plan: graph ${name} stands nowhere in the source`);
    if (first !== undefined) diagnostics.push(diagnosticOf(name, first, spanOf(planned, first) ?? span));
  }
  const spans = new Map(diagnostics.map((diagnostic) => [`${diagnostic.span.file} ${diagnostic.span.start}`, diagnostic]));
  return diagnostics.length > 0 ? { ok: false, diagnostics: [...spans.values()] } : { ok: true, plans };
}

/** Labels of kernels begin with the weight path of what they compute. */
function spanOf({ graph }: Planned, { what }: Breach): Span | undefined {
  for (const value of graph.values) {
    if (value.kind !== "op" || value.origin.path === "") continue;
    if (what === value.origin.path || what.startsWith(`${value.origin.path} (`)) return value.origin.span;
  }
  return undefined;
}

function diagnosticOf(graph: string, { limit, what, needed, allowed }: Breach, span: Span): Diagnostic {
  const holes = { graph, what, limit, needed, allowed };
  const hint = "build with smaller sizes, with `--precision f16`, or for a larger device with `--limits FILE.json`";
  return webgpuDiagnostic("device-limit", span, holes, { hint });
}
