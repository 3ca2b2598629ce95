/** The one result of a graph that the sampler gives a role, from the graph's own name to what it is there: `epsilon`, `text`, `frames`. */

import type { Graph } from "../graph/graph.ts";
import type { Recipe } from "./recipe.ts";
import { inputsOf } from "./signatures.ts";

/** Results that the source names, as fields of a record, keep their names; so does one that is several things, or is called as an input of its graph. */
export function namedByRole(graph: Graph, recipe: Recipe | undefined): Graph {
  const [output, second] = graph.outputs;
  const [role, another] = recipe === undefined ? [] : rolesOf(graph.name, recipe);
  if (output?.name !== graph.name || second !== undefined || role === undefined || another !== undefined) return graph;
  return inputsOf(graph).some(({ name }) => name === role) ? graph : { ...graph, outputs: [{ ...output, name: role }] };
}

function rolesOf(graph: string, { graph: looped, predicts, conditions, frames }: Recipe): readonly string[] {
  const encoded = conditions.flatMap(({ name, encoder }) => (encoder === graph ? [name] : []));
  return [...(graph === looped ? [predicts] : []), ...encoded, ...(graph === frames ? ["frames"] : [])];
}
