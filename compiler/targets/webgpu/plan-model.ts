/** Every graph of a module to its plan within a device's limits, or the diagnostics that say what is beyond them. */

import { type Diagnostic, foundIn, type Span } from "../../../dsl/index.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Module } from "../../module/module.ts";
import { type Trace, untraced } from "../../rewriting/trace.ts";
import { webgpuDiagnostic } from "./messages.ts";
import { addressable, type Breach, breachesOf, type DeviceLimits } from "./plan/limits.ts";
import { uncountable, unplannable } from "./plan/unplannable.ts";
import { kernelLibrary, type Planned, planGraph } from "./plan-graph.ts";

export type PlanResult =
  | { readonly ok: true; readonly plans: ReadonlyMap<string, Planned> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function planModel(module: Module, given: DeviceLimits, trace: Trace = untraced): PlanResult {
  const { graphs, origins } = module;
  const limits = addressable(given);
  const plans = new Map<string, Planned>();
  const diagnostics: Diagnostic[] = [];
  const refuse = (name: string, graph: Graph, breach: Breach): void => {
    const span = spanOf(graph, breach) ?? origins.get(name);
    if (span === undefined) throw new Error(`plan: graph ${name} stands nowhere in the source`);
    diagnostics.push(diagnosticOf(name, breach, span));
  };
  for (const [name, graph] of graphs) {
    const breach = unplannable(graph, limits);
    if (breach !== undefined) refuse(name, graph, breach);
  }
  const library = kernelLibrary(limits);
  for (const [name, graph] of diagnostics.length > 0 ? [] : graphs) {
    const planned = planGraph(graph, limits, library, trace);
    plans.set(name, planned);
    const breach = uncountable(planned.graph) ?? breachesOf(planned.plan, limits)[0];
    if (breach !== undefined) refuse(name, planned.graph, breach);
  }
  const spans = new Map(diagnostics.map((diagnostic) => [`${diagnostic.span.file} ${diagnostic.span.start}`, diagnostic]));
  return diagnostics.length > 0 ? { ok: false, diagnostics: foundIn([...spans.values()], module) } : { ok: true, plans };
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
  return webgpuDiagnostic("device-limit", span, holes, { hint });
}
