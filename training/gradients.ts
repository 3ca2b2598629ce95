/** A stage's loss to the graph of a step: the loss and the gradients of what is trained. */

import { differentiate } from "../compiler/differentiate/differentiate.ts";
import { recomputeBlocks } from "../compiler/differentiate/recompute.ts";
import type { Graph } from "../compiler/graph/graph.ts";
import type { StageWork } from "./engine.ts";

/** The outputs of the loss first, then `gradient of PATH` in the order of `trained`. `lossGraph` is taken in the form that it is given in. */
export function withGradients({ lossGraph, trained, recompute = false }: Omit<StageWork, "stage">): Graph {
  const graph = differentiate(
    lossGraph,
    trained.map(({ path }) => path),
  );
  return recompute ? recomputeBlocks(graph) : graph;
}
