/** A file and choices to one side of a report: what its graphs cost, and what a clip does. */

import { type ClipCost, clipCostOf } from "../../compiler/analysis/clip-cost.ts";
import { costOf, type GraphCost } from "../../compiler/analysis/cost.ts";
import { type Expanded, expandModel } from "../../compiler/compile.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import { networkRuns } from "../../compiler/package/methods.ts";
import type { Diagnostic, Program } from "../../dsl/index.ts";

export interface Side {
  readonly program: Program;
  readonly choices: Choices;
  readonly expanded: Expanded;
  readonly graphs: ReadonlyMap<string, GraphCost>;
  /** The graph that a call runs: the sampled one, else the only one; undefined where neither tells. */
  readonly called: string | undefined;
  /** Undefined where the model has no sampler. */
  readonly clip: ClipCost | undefined;
}

export type SideResult = { readonly ok: true; readonly side: Side } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function sideOf(program: Program, choices: Choices, depth: number): SideResult {
  const found = expandModel(program, choices);
  if (!found.ok) return found;
  const expanded = found.value;
  const { graphs, sampled } = expanded;
  const [first, ...others] = graphs.keys();
  const called = sampled?.recipe.graph ?? (others.length === 0 ? first : undefined);
  const clip = sampled && clipCostOf(graphs, sampled.guided, { ...sampled.recipe, runs: networkRuns(sampled.recipe) });
  const costs = new Map([...graphs].map(([name, graph]) => [name, costOf(graph, depth)]));
  return { ok: true, side: { program, choices, expanded, graphs: costs, called, clip } };
}

/** The cost of the graph that a call runs. */
export function callOf({ graphs, called }: Side): GraphCost | undefined {
  return called === undefined ? undefined : graphs.get(called);
}
