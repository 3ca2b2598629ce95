/** A checked program to what sizes reveal of it: under the file's own, under each preset and under each ablation. */

import { type Diagnostic, type FoundIn, firstErrors, hasErrors, mostErrors, type Program } from "../dsl/index.ts";
import { originsOf, type Reading, type SharedChecks, shapeErrors } from "./compile.ts";
import { Budget } from "./expand/budget.ts";
import type { Choices } from "./expand/configure.ts";
import { graphsOf, withoutStandIns } from "./expand/expand.ts";
import { KnownGraphs } from "./expand/known-graphs.ts";
import { LayoutCheck } from "./expand/layouts/layout-check.ts";
import { EntryUse } from "./expand/training/entry-use.ts";
import type { Graph } from "./graph/graph.ts";
import type { Tokenizer } from "./module/module.ts";
import { breachedBefore } from "./targets/webgpu/breaches.ts";
import { defaultLimits } from "./targets/webgpu/plan/limits.ts";

/** What a build may choose of the entry file, its own sizes first. A file without a model is a library: its blocks have no sizes yet. */
export function configurationsOf(program: Program): readonly Choices[] {
  const declarations = program.files.get(program.entry)?.source.declarations ?? [];
  return declarations.flatMap((model): Choices[] => {
    if (model.kind !== "model") return [];
    const presets = declarations.flatMap((one) => (one.kind === "preset" && one.model.name === model.name.name ? [one.name.name] : []));
    const base = { model: model.name.name, precision: "f32" } as const;
    const written = [base, ...presets.map((preset) => ({ ...base, preset }))];
    const ablated = declarations.flatMap((one): Choices[] => {
      if (one.kind !== "ablation" || one.model.name !== model.name.name) return [];
      // What sets numbers may fit one size and not another. A switch breaks the same axes at any: the first preset is smaller, if there is one.
      const tried = one.overrides.every(({ value }) => value.kind === "bool" || value.kind === "string")
        ? written.slice(0, 2).slice(-1)
        : written;
      return tried.map((choices) => ({ ...choices, ablations: [one.name.name] }));
    });
    return [...written, ...ablated];
  });
}

/**
 * Errors, and warnings of what is beyond every device's limits: a build for another target may go on. Each place is told of once, with
 * the first configuration in which it is wrong and the number of the others. What is wrong with a tokenizer's file says who reads files.
 */
export function checkSizes(
  program: Program,
  tokenizerErrors: (tokenizer: Tokenizer) => readonly Diagnostic[] = () => [],
): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  const broken = new Set<string>();
  const beyond = new Map<Graph, readonly Diagnostic[]>();
  const shared: SharedChecks = {
    budget: new Budget(),
    graphs: new KnownGraphs(),
    layouts: new LayoutCheck(program),
    entries: new EntryUse(),
    more: (read) => [...(read.tokenizer === null ? [] : tokenizerErrors(read.tokenizer)), ...beyondDevices(read, beyond)],
  };
  for (const choices of configurationsOf(program)) {
    if (found.size > mostErrors) break;
    const own = new Map(shapeErrors(program, choices, shared).map((one) => [`${one.span.file}:${one.span.start}`, one]));
    const { model, preset = "", ablations = [] } = choices;
    // Graphs that are wrong already are wrong otherwise at other sizes.
    const follows = broken.has(`${model}`) || (ablations.length > 0 && broken.has(`${model} ${preset}`));
    for (const [place, diagnostic] of own) {
      const first = found.get(place);
      if (first !== undefined) found.set(place, { ...first, ...oneMore(first.foundIn) });
      else if (!follows || isOfValue(diagnostic)) found.set(place, diagnostic);
    }
    if ([...own.values()].some((one) => one.severity === "error" && !isOfValue(one)) && ablations.length === 0) {
      broken.add(preset === "" ? `${model}` : `${model} ${preset}`);
    }
  }
  const all = [...found.values()];
  return firstErrors(hasErrors(all) ? all : [...all, ...shared.layouts.unused(), ...shared.entries.unused()]);
}

/** Whether what is wrong is a figure or a file that the source names, not what graphs make of their sizes. */
function isOfValue({ code }: Diagnostic): boolean {
  return ["sampler-value", "train-value", "override-kind"].includes(code) || /^tokenizer-|^word-unknown$|^prompt-too-long$/.test(code);
}

function oneMore(found: FoundIn | undefined): { readonly foundIn?: FoundIn } {
  return found === undefined ? {} : { foundIn: { ...found, others: found.others + 1 } };
}

/** What a plan would refuse at once on a device that grants no more than all do; `known` is what is known of graphs. */
function beyondDevices({ configuration, graphs }: Reading, known: Map<Graph, readonly Diagnostic[]>): readonly Diagnostic[] {
  return graphsOf(configuration).flatMap((declaration) => {
    const graph = graphs.get(declaration.name.name);
    if (graph === undefined) return [];
    const declared = () => new Map([[graph.name, withoutStandIns(graph, declaration)]]);
    const found = known.get(graph) ?? breachedBefore(declared(), originsOf(configuration), defaultLimits, "beyond-devices");
    known.set(graph, found);
    return found;
  });
}
