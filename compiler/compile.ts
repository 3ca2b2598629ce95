/** The stages by name: a checked program and the build's choices to a module. Pure, and never throws for bad input. */

import { type Diagnostic, firstErrors, foundIn, type GraphDeclaration, type Program, type Span } from "../dsl/index.ts";
import { isDirected } from "./analysis/directed.ts";
import { Budget } from "./expand/budget.ts";
import { type Choices, type Configuration, configure } from "./expand/configure.ts";
import { atBatch, expandGraph, graphsOf, samplerOf } from "./expand/expand.ts";
import type { Attempt } from "./expand/failure.ts";
import { expandGuided, guidedErrors } from "./expand/guided.ts";
import { KnownCalls } from "./expand/known-calls.ts";
import { KnownGraphs } from "./expand/known-graphs.ts";
import { DeclaredLayouts } from "./expand/layouts/declared.ts";
import { LayoutCheck } from "./expand/layouts/layout-check.ts";
import { readLayouts } from "./expand/layouts/layouts.ts";
import { expandDiagnostic } from "./expand/messages.ts";
import { namedByRole } from "./expand/output-names.ts";
import type { Body } from "./expand/parts.ts";
import { type Recipe, recipeOf } from "./expand/recipe.ts";
import { readTokenizer } from "./expand/tokenizer.ts";
import { EntryUse } from "./expand/training/entry-use.ts";
import { readStages } from "./expand/training/training.ts";
import type { Graph } from "./graph/graph.ts";
import type { Layout } from "./module/layout.ts";
import type { Module, Tokenizer } from "./module/module.ts";
import { hasUnguidedHalf, type SamplerSpec } from "./package/manifest.ts";
import { passes, runPasses } from "./passes/passes.ts";
import { splitInvariant } from "./passes/split-invariant.ts";
import { type Trace, untraced } from "./rewriting/trace.ts";
import { verify } from "./rewriting/verify.ts";

export type CompileResult =
  | { readonly ok: true; readonly module: Module }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** A model whose graphs stand as they are written, without passes. */
export interface Expanded {
  readonly name: string;
  readonly graphs: ReadonlyMap<string, Graph>;
  /** By which clips are sampled, and the looped graph at the guided batch; undefined where the model has no sampler. */
  readonly sampled: { readonly recipe: Recipe; readonly guided: Graph } | undefined;
}

/** A model of which a configuration has been read. */
export interface Reading {
  readonly name: string;
  readonly graphs: ReadonlyMap<string, Graph>;
  /** What each graph made, by its name, in the order of the source. */
  readonly bodies: ReadonlyMap<string, Body>;
  readonly configuration: Configuration;
  readonly recipe: Recipe | undefined;
  readonly tokenizer: Tokenizer | null;
}

/** Expands the graphs: enough for reports, and to find every error that a build would. */
export function expandModel(program: Program, choices: Choices): Attempt<Expanded> {
  return underChoices(choices, (): Attempt<Expanded> => {
    const configured = configure(program, choices);
    if (!configured.ok) return configured;
    const read = readModel(configured.value);
    if (!read.ok) return read;
    const { name, graphs, recipe } = read.value;
    if (recipe === undefined) return { ok: true, value: { name, graphs, sampled: undefined } };
    const guided = expandLooped(configured.value, graphs, recipe);
    return guided.ok ? { ok: true, value: { name, graphs, sampled: { recipe, guided: guided.value } } } : guided;
  });
}

/** A model's graphs as they are written, and the layouts that its weights may come in. */
export interface Weighed {
  readonly name: string;
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly layouts: readonly Layout[];
}

/** What a model has under these choices, found without any pass and at the plain batch: enough to know its weights and where checkpoints hold them. */
export function weighModel(program: Program, choices: Choices): Attempt<Weighed> {
  return underChoices(choices, (): Attempt<Weighed> => {
    const configured = configure(program, choices);
    if (!configured.ok) return configured;
    const read = readModel(configured.value);
    if (!read.ok) return read;
    const { name, graphs, configuration, bodies } = read.value;
    const layouts = readLayouts(configuration, [...bodies.values()], new DeclaredLayouts(program));
    return layouts.ok ? { ok: true, value: { name, graphs, layouts: layouts.value } } : layouts;
  });
}

/** The layouts that a model has under these choices. */
export function layoutsOf(program: Program, choices: Choices): Attempt<readonly Layout[]> {
  const weighed = weighModel(program, choices);
  return weighed.ok ? { ok: true, value: weighed.value.layouts } : weighed;
}

/** What fails says under which preset and ablations. */
function underChoices<T extends { readonly ok: true }>(
  choices: Choices,
  stage: () => T | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] },
): T | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  const result = stage();
  return result.ok ? result : { ok: false, diagnostics: foundIn(result.diagnostics, choices) };
}

/** What all choices of a program that are checked share. */
export interface SharedChecks {
  readonly budget: Budget;
  readonly graphs: KnownGraphs;
  readonly layouts: LayoutCheck;
  readonly entries: EntryUse;
  /** What more may be said of a model whose graphs are right. */
  readonly more: (read: Reading) => readonly Diagnostic[];
}

/**
 * The errors that sizes reveal under these choices, found faster than by expanding: no graph is whole. Weights that only
 * a repeated call would register are not compared between graphs; a build compares all.
 */
export function shapeErrors(
  program: Program,
  choices: Choices,
  {
    budget = new Budget(),
    graphs = new KnownGraphs(),
    layouts = new LayoutCheck(program),
    entries = new EntryUse(),
    more = () => [],
  }: Partial<SharedChecks> = {},
): readonly Diagnostic[] {
  const configured = configure(program, choices, budget);
  if (!configured.ok) return foundIn(configured.diagnostics, choices);
  const known = { calls: new KnownCalls(), graphs };
  const written = writtenGraphs(configured.value, known);
  const read = readModel(configured.value, written);
  const once = written.graphs.get(samplerOf(configured.value)?.graph.name ?? "");
  // Losses are expanded at the guided batch too: what the looped graph calls is known then.
  const batched = new KnownCalls();
  const guided = graphs.guidedErrors(once, () => guidedErrors(configured.value, written.graphs, batched));
  const own = read.ok
    ? [...layouts.errors(read.value.configuration, [...read.value.bodies.values()]), ...more(read.value)]
    : read.diagnostics;
  // Training is in f32: of a build in halves it says nothing.
  const trains = read.ok && guided.length === 0 && choices.precision === "f32";
  const training = trains ? stageErrors(read.value, batched, { graphs, entries }) : [];
  return foundIn(onePerSpan([...own, ...guided, ...training]), choices);
}

/** What is wrong with the stages of training, their losses expanded at twice the batch of the source. */
function stageErrors(
  read: Reading,
  calls: KnownCalls,
  { graphs, entries }: { readonly graphs: KnownGraphs; readonly entries: EntryUse },
): readonly Diagnostic[] {
  const expanding = {
    loss: (loss: GraphDeclaration) => {
      const batched = atBatch(read.configuration, loss, (batch) => 2 * batch);
      return graphs.expanded(batched, loss, (reading) => expandGraph(reading, loss, calls));
    },
    whole: (graph: GraphDeclaration) => graphs.whole(read.configuration, graph, (reading) => expandGraph(reading, graph)),
  };
  const stages = readStages(read, expanding, entries);
  return stages.ok ? [] : stages.diagnostics;
}

interface Written {
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly bodies: ReadonlyMap<string, Body>;
  readonly diagnostics: readonly Diagnostic[];
}

/** With `known`, only shapes are read; the looped graph first, so that it lacks no call that another graph alone has. */
function writtenGraphs(configuration: Configuration, known?: { readonly calls: KnownCalls; readonly graphs: KnownGraphs }): Written {
  const expand = (declaration: GraphDeclaration) =>
    known === undefined
      ? expandGraph(configuration, declaration)
      : known.graphs.expanded(configuration, declaration, (reading) => expandGraph(reading, declaration, known.calls));
  const declarations = graphsOf(configuration);
  const looped = samplerOf(configuration)?.graph.name;
  const inTurn = [...declarations].sort((a, b) => Number(b.name.name === looped) - Number(a.name.name === looped));
  const expanded = new Map(inTurn.map((declaration) => [declaration, expand(declaration)]));
  const graphs = new Map<string, Graph>();
  const bodies = new Map<string, Body>();
  const diagnostics: Diagnostic[] = [];
  for (const declaration of declarations) {
    const found = expanded.get(declaration);
    if (found?.ok) {
      graphs.set(declaration.name.name, found.value.graph);
      bodies.set(declaration.name.name, found.value.body);
    } else diagnostics.push(...(found?.diagnostics ?? []));
  }
  return { graphs, bodies, diagnostics };
}

export function readModel(configuration: Configuration, written = writtenGraphs(configuration)): Attempt<Reading> {
  const { graphs, bodies } = written;
  const diagnostics = [...written.diagnostics, ...conflictingWeights(configuration, graphs)];
  const recipe = recipeOf(configuration, graphs);
  if (!recipe.ok) diagnostics.push(...recipe.diagnostics);
  const tokenizer = readTokenizer(configuration, graphs, recipe.ok ? recipe.value : undefined);
  if (!tokenizer.ok) diagnostics.push(...tokenizer.diagnostics);
  if (diagnostics.length > 0 || !recipe.ok || !tokenizer.ok) return { ok: false, diagnostics: onePerSpan(diagnostics) };
  const { name } = configuration.model.name;
  const named = new Map([...graphs].map(([own, graph]) => [own, namedByRole(graph, recipe.value)]));
  return { ok: true, value: { name, graphs: named, bodies, configuration, recipe: recipe.value, tokenizer: tokenizer.value } };
}

/** One path is one tensor of the weight file, whichever graphs read it. */
function conflictingWeights(configuration: Configuration, graphs: ReadonlyMap<string, Graph>): Diagnostic[] {
  const known = new Map<string, { graph: string; shape: readonly number[] }>();
  for (const [graph, { values }] of graphs) {
    for (const value of values) {
      if (value.kind !== "weight") continue;
      const { shape } = value.type;
      const first = known.get(value.path);
      if (first === undefined) known.set(value.path, { graph, shape });
      else if (first.shape.join() !== shape.join()) {
        const { span } = graphsOf(configuration).find((declaration) => declaration.name.name === graph)?.name ?? configuration.model.name;
        const [firstShape, secondShape] = [first.shape, shape].map((one) => `[${one.join(", ")}]`) as [string, string];
        const holes = { path: value.path, first: first.graph, firstShape, second: graph, secondShape };
        return [expandDiagnostic("conflicting-weight", span, holes, { hint: "give the two calls different labels" })];
      }
    }
  }
  return [];
}

/** `trace` hears of every stage; what leads to the looped graph at the guided batch goes by the name of `step`. */
export function compile(program: Program, choices: Choices, trace: Trace = untraced): CompileResult {
  return underChoices(choices, () => compileModel(program, choices, trace));
}

function compileModel(program: Program, choices: Choices, trace: Trace): CompileResult {
  const configured = configure(program, choices);
  if (!configured.ok) return configured;
  const read = readModel(configured.value);
  if (!read.ok) return read;
  const { configuration, name, graphs: written, bodies, recipe, tokenizer } = read.value;
  const layouts = readLayouts(configuration, [...bodies.values()], new DeclaredLayouts(program));
  if (!layouts.ok) return layouts;
  for (const [graph, made] of written) trace({ stage: "expand", graph, made });
  const loop = recipe === undefined ? noLoop : compileLoop(configuration, written, recipe, trace);
  if (!loop.ok) return loop;
  const { sampler, made, unread } = loop.value;
  const graphs = new Map([...written].map(([own, graph]) => [own, runPasses(verify(graph, "expand"), passes, trace)]));
  for (const graph of made) graphs.set(graph.name, graph);
  const origins = new Map(originsOf(configuration));
  for (const graph of made) origins.set(graph.name, samplerOf(configuration)?.graph.span ?? configuration.model.name.span);
  const { preset = null, ablations = [], precision } = configuration.choices;
  const unused = unread.map((condition) => `nothing in \`${recipe?.graph}\` reads \`${condition}\`, so no clip depends on it`);
  if (tokenizer !== null && !sampler?.conditions.some(({ from }) => from === "text")) {
    unused.push("no condition comes from text, so the tokenizer is not used");
  }
  const found = { written, graphs, origins, sampler, tokenizer, layouts: layouts.value, unused };
  return { ok: true, module: { name, preset, ablations, precision, ...found } };
}

/** Where each graph is named in the source. */
export function originsOf(configuration: Configuration): ReadonlyMap<string, Span> {
  return new Map(graphsOf(configuration).map(({ name }) => [name.name, name.span]));
}

/** Graphs that share a block share its errors; and one value that fits nowhere is one error, wherever it is read. */
function onePerSpan(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { code, span, decidedAt } = diagnostic;
    const cause = decidedAt === undefined ? `${span.file} ${span.start}` : "set elsewhere";
    if (!seen.has(`${code} ${cause}`)) seen.set(`${code} ${cause}`, diagnostic);
  }
  return firstErrors([...seen.values()]);
}

interface Loop {
  readonly sampler: SamplerSpec | null;
  readonly made: readonly Graph[];
  /** Conditions that neither of the made graphs reads. */
  readonly unread: readonly string[];
}

const noLoop: Attempt<Loop> = { ok: true, value: { sampler: null, made: [], unread: [] } };

/** The looped graph at twice the batch: the guided half and the unguided one. */
function expandLooped(configuration: Configuration, written: ReadonlyMap<string, Graph>, recipe: Recipe): Attempt<Graph> {
  const once = written.get(recipe.graph);
  if (once === undefined) throw new Error("compile: a sampler without its graph, which check should have found");
  const guided = expandGuided(configuration, once, recipe.latent);
  return guided.ok ? { ok: true, value: namedByRole(guided.value, recipe) } : guided;
}

/** The looped graph, at the guided batch where its halves differ, split into what runs once and what runs each step. */
function compileLoop(configuration: Configuration, written: ReadonlyMap<string, Graph>, recipe: Recipe, trace: Trace): Attempt<Loop> {
  // At the guided batch also where nothing is guided: there it shows that clips of a batch do not mix.
  const expanded = expandLooped(configuration, written, recipe);
  if (!expanded.ok) return expanded;
  const names = { prepare: madeName("prepare", configuration, recipe), step: madeName("step", configuration, recipe) };
  const guided = hasUnguidedHalf(recipe) ? splitLoop(expanded.value, recipe, names, trace) : undefined;
  const once = written.get(recipe.graph) ?? expanded.value;
  const { made, prepare, conditions } = guided !== undefined && hasUnguidedHalf(guided) ? guided : splitLoop(once, recipe, names, trace);
  const unread = recipe.conditions.filter((condition) => !conditions.includes(condition)).map(({ name }) => name);
  return {
    ok: true,
    value: { sampler: { ...recipe, conditions, prepare, step: names.step, directed: isDirected(written, recipe) }, made, unread },
  };
}

interface LoopNames {
  readonly prepare: string;
  readonly step: string;
}

/** The graphs of the loop, and the conditions that they read. */
function splitLoop(looped: Graph, recipe: Recipe, names: LoopNames, trace: Trace) {
  const heard: Trace = (end) => trace({ ...end, graph: names.step });
  heard({ stage: "expand", graph: recipe.graph, made: looped });
  const split = splitInvariant(runPasses(verify(looped, "expand"), passes, heard), [recipe.latent, recipe.time], names);
  const made = [...(split.prepare === undefined ? [] : [split.prepare]), split.step].map((graph) => verify(graph, "split-invariant"));
  for (const graph of made) trace({ stage: "split-invariant", graph: graph.name, made: graph });
  const read = new Set(made.flatMap((graph) => graph.values.flatMap((value) => (value.kind === "input" ? [value.name] : []))));
  const conditions = recipe.conditions.filter(({ name }) => read.has(name));
  return { made, prepare: split.prepare === undefined ? null : names.prepare, conditions };
}

/** Beside the model's own graphs, which may have the plain name; no name of the source has a dot. Files of some systems know no case. */
function madeName(word: string, configuration: Configuration, recipe: Recipe): string {
  const taken = graphsOf(configuration).some((graph) => graph.name.name.toLowerCase() === word);
  return taken ? `${recipe.graph}.${word}` : word;
}
