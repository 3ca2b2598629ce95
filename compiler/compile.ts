/** The stages by name: a checked program and the build's choices to graphs that the emitters take. Pure, and never throws for bad input. */

import type { Diagnostic, GraphDeclaration, Program } from "../dsl/index.ts";
import { Budget } from "./expand/budget.ts";
import { type Choices, type Configuration, configure } from "./expand/configure.ts";
import { evaluateFields, expandGraph, graphsOf, samplerOf, tokenizerOf } from "./expand/expand.ts";
import { expandGuided, samplerErrors } from "./expand/guided.ts";
import { KnownCalls } from "./expand/known-calls.ts";
import { expandDiagnostic } from "./expand/messages.ts";
import type { Static } from "./expand/static.ts";
import type { Graph } from "./graph/graph.ts";
import type { Method, SamplerSpec } from "./package/manifest.ts";
import { runPasses } from "./passes/passes.ts";
import { splitInvariant } from "./passes/split-invariant.ts";
import { verify } from "./rewriting/verify.ts";

export interface Compiled {
  readonly configuration: Configuration;
  /** The model's graphs as the source has them: what reports count. */
  readonly written: ReadonlyMap<string, Graph>;
  /** The graphs to emit, by name: the model's, and the sampler's `prepare` and `step`. */
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly sampler: SamplerSpec | null;
  readonly tokenizer: { readonly file: string; readonly pad: string; readonly length: number } | null;
}

export type CompileResult =
  | { readonly ok: true; readonly compiled: Compiled }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Expands the graphs as they are written, without passes: enough for reports, and to find every error that a build would. */
export function expandModel(
  program: Program,
  choices: Choices,
): { configuration: Configuration; graphs: Map<string, Graph> } | readonly Diagnostic[] {
  const configured = configure(program, choices);
  if (!configured.ok) return configured.diagnostics;
  const graphs = new Map<string, Graph>();
  const diagnostics: Diagnostic[] = [];
  for (const declaration of graphsOf(configured.value)) {
    const expanded = expandGraph(configured.value, declaration);
    if (expanded.ok) graphs.set(declaration.name.name, expanded.value);
    else diagnostics.push(...expanded.diagnostics);
  }
  diagnostics.push(...conflictingWeights(configured.value, graphs));
  return diagnostics.length > 0 ? onePerSpan(diagnostics) : { configuration: configured.value, graphs };
}

/**
 * The errors that sizes reveal under these choices, found faster than by expanding: no graph is whole. Weights that only
 * a repeated call would register are not compared between graphs; a build compares all. All choices that are checked share a budget.
 */
export function shapeErrors(program: Program, choices: Choices, budget = new Budget()): readonly Diagnostic[] {
  const configured = configure(program, choices, budget);
  if (!configured.ok) return configured.diagnostics;
  const known = new KnownCalls();
  const graphs = new Map<string, Graph>();
  const diagnostics: Diagnostic[] = [];
  for (const declaration of graphsOf(configured.value)) {
    const expanded = expandGraph(configured.value, declaration, known);
    if (expanded.ok) graphs.set(declaration.name.name, expanded.value);
    else diagnostics.push(...expanded.diagnostics);
  }
  return onePerSpan([...diagnostics, ...conflictingWeights(configured.value, graphs), ...samplerErrors(configured.value)]);
}

/** One path is one tensor of the weight file, whichever graphs read it. */
function conflictingWeights(configuration: Configuration, graphs: ReadonlyMap<string, Graph>): Diagnostic[] {
  const known = new Map<string, { graph: string; shape: string }>();
  for (const [graph, { values }] of graphs) {
    for (const value of values) {
      if (value.kind !== "weight") continue;
      const shape = `[${value.type.shape.join(", ")}]`;
      const first = known.get(value.path);
      if (first === undefined) known.set(value.path, { graph, shape });
      else if (first.shape !== shape) {
        const { span } = graphsOf(configuration).find((declaration) => declaration.name.name === graph)?.name ?? configuration.model.name;
        const holes = { path: value.path, first: first.graph, firstShape: first.shape, second: graph, secondShape: shape };
        return [expandDiagnostic("conflicting-weight", span, holes, { hint: "give the two calls different labels" })];
      }
    }
  }
  return [];
}

export function compile(program: Program, choices: Choices): CompileResult {
  const expanded = expandModel(program, choices);
  if (!("configuration" in expanded)) return { ok: false, diagnostics: expanded };
  const { configuration, graphs: written } = expanded;
  const graphs = new Map([...written].map(([name, graph]) => [name, runPasses(verify(graph, "expand"))]));
  const looped = compileSampler(configuration, written);
  if (!looped.ok) return looped;
  for (const graph of looped.graphs) graphs.set(graph.name, graph);
  const tokenizer = compileTokenizer(configuration, written);
  if (!tokenizer.ok) return tokenizer;
  return { ok: true, compiled: { configuration, written, graphs, sampler: looped.sampler, tokenizer: tokenizer.value } };
}

/** Graphs that share a block share its errors. */
function onePerSpan(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Map(
    diagnostics.map((diagnostic) => [`${diagnostic.code} ${diagnostic.span.file} ${diagnostic.span.start}`, diagnostic]),
  );
  return [...seen.values()];
}

type Looped = { ok: true; sampler: SamplerSpec | null; graphs: readonly Graph[] } | { ok: false; diagnostics: readonly Diagnostic[] };

/** The looped graph at twice the batch (the prompt's half and the empty prompt's), split into what runs once and what runs each step. */
function compileSampler(configuration: Configuration, written: ReadonlyMap<string, Graph>): Looped {
  const declaration = samplerOf(configuration);
  if (declaration === undefined) return { ok: true, sampler: null, graphs: [] };
  const looped = graphsOf(configuration).find((graph) => graph.name.name === declaration.graph.name);
  const [latent, time] = declaration.inputs.map((input) => input.name);
  const once = written.get(declaration.graph.name);
  if (looped === undefined || once === undefined || latent === undefined || time === undefined) {
    throw new Error("compile: a sampler without its graph or inputs, which check should have found");
  }
  const fields = evaluateFields(configuration, declaration.fields);
  if (!fields.ok) return fields;
  const expanded = expandGuided(configuration, once, latent);
  if (!expanded.ok) return expanded;
  const varying = declaration.inputs.map((input) => input.name);
  const split = splitInvariant(runPasses(verify(expanded.value, "expand")), varying, { prepare: "prepare", step: "step" });
  const text = textInput(looped, varying);
  if (split === undefined || text === undefined) {
    return { ok: false, diagnostics: [expandDiagnostic("nothing-invariant", declaration.graph.span, { graph: looped.name.name })] };
  }
  const sampler = samplerSpec(fields.value, { graph: looped.name.name, prepare: "prepare", step: "step", latent, time, text });
  return { ok: true, sampler, graphs: [verify(split.prepare, "split-invariant"), verify(split.step, "split-invariant")] };
}

function textInput(looped: GraphDeclaration, varying: readonly string[]): string | undefined {
  return looped.parameters.map((parameter) => parameter.name.name).find((name) => !varying.includes(name));
}

function samplerSpec(
  fields: ReadonlyMap<string, Static>,
  names: Pick<SamplerSpec, "graph" | "prepare" | "step" | "latent" | "time" | "text">,
): SamplerSpec {
  const number = (name: string, otherwise?: number): number => {
    const value = fields.get(name);
    if (value?.kind === "int" || value?.kind === "float") return value.value;
    if (otherwise !== undefined) return otherwise;
    throw new Error(`compile: sampler without ${name}, which check should have found`);
  };
  const text = (name: string): string => {
    const value = fields.get(name);
    if (value?.kind !== "string") throw new Error(`compile: sampler without ${name}, which check should have found`);
    return value.value;
  };
  const betas = fields.get("betas");
  const ends = betas?.kind === "list" ? betas.items.map((item) => (item.kind === "float" || item.kind === "int" ? item.value : 0)) : [];
  return {
    method: text("method") as Method,
    steps: number("steps"),
    guidance: number("guidance"),
    predicts: text("predicts") as SamplerSpec["predicts"],
    schedule: text("schedule") as SamplerSpec["schedule"],
    betas: [ends[0] ?? 0, ends[1] ?? 0],
    trainSteps: number("trainSteps"),
    eta: number("eta", 0),
    ...names,
  };
}

function compileTokenizer(
  configuration: Configuration,
  graphs: ReadonlyMap<string, Graph>,
): { ok: true; value: Compiled["tokenizer"] } | { ok: false; diagnostics: readonly Diagnostic[] } {
  const declaration = tokenizerOf(configuration);
  if (declaration === undefined) return { ok: true, value: null };
  const fields = evaluateFields(configuration, declaration.fields);
  if (!fields.ok) return fields;
  const text = (name: string): string => {
    const value = fields.value.get(name);
    return value?.kind === "string" ? value.value : "";
  };
  const tokens = graphs.get("encodeText")?.values.find((value) => value.kind === "input");
  if (tokens === undefined) return { ok: false, diagnostics: [expandDiagnostic("no-text-graph", declaration.span, {})] };
  return { ok: true, value: { file: text("file"), pad: text("pad"), length: tokens.type.shape.at(-1) ?? 1 } };
}
