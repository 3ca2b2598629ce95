/** Every graph of a module to its plan within a device's limits, or the diagnostics that say what is beyond them. */

import { type Diagnostic, foundIn } from "../../../dsl/index.ts";
import type { Module } from "../../module/module.ts";
import { type Trace, untraced } from "../../rewriting/trace.ts";
import { breachedBefore, refused } from "./breaches.ts";
import { addressable, breachesOf, type DeviceLimits } from "./plan/limits.ts";
import { uncountable } from "./plan/unplannable.ts";
import { kernelLibrary, type Planned, planGraph } from "./plan-graph.ts";

export type PlanResult =
  | { readonly ok: true; readonly plans: ReadonlyMap<string, Planned> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function planModel(module: Module, given: DeviceLimits, trace: Trace = untraced): PlanResult {
  const { graphs, origins } = module;
  const limits = addressable(given);
  const plans = new Map<string, Planned>();
  const diagnostics = [...breachedBefore(graphs, origins, limits)];
  const library = kernelLibrary(limits);
  for (const [name, graph] of diagnostics.length > 0 ? [] : graphs) {
    const planned = planGraph(graph, limits, library, trace);
    plans.set(name, planned);
    const breach = uncountable(planned.graph) ?? breachesOf(planned.plan, limits)[0];
    if (breach !== undefined) diagnostics.push(refused(name, planned.graph, breach, origins));
  }
  const spans = new Map(diagnostics.map((diagnostic) => [`${diagnostic.span.file} ${diagnostic.span.start}`, diagnostic]));
  return diagnostics.length > 0 ? { ok: false, diagnostics: foundIn([...spans.values()], module) } : { ok: true, plans };
}
