/** A graph to the shapes of its weights, which it must have at any other batch too. */

import type { Graph } from "../graph/graph.ts";

/** The weights of a graph at one batch, which it must have at any other. */
export interface WeightShapes {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Whether calls like earlier ones were left out, and their weights with them. */
  readonly missing: "none" | "repeated calls";
}

export function weightShapes(graph: Graph, missing: WeightShapes["missing"]): WeightShapes {
  const shapes = graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : []));
  return { shapes: new Map(shapes), missing };
}
