/** The graphs of a sampled model to whether its clips begin alike at every length: each frame hangs on the frames up to itself alone. */

import type { Graph, InputValue } from "../graph/graph.ts";
import { dependenceAlong } from "./dependence.ts";

export interface Sampled {
  /** The looped graph, and which of its inputs is the latent. */
  readonly graph: string;
  readonly latent: string;
  /** The graph that makes pictures of the latent. */
  readonly frames: string | null;
}

/** The axis of frames in a clip's latent, [B, F, Z, H, W], and in all that goes beside it frame by frame. */
const frameAxis = 1;

/** Along the latent's axis of frames, of every input that has that axis where the latent has it. A latent without one is no row of frames. */
export function isDirected(graphs: ReadonlyMap<string, Graph>, { graph, latent, frames }: Sampled): boolean {
  const looped = graphs.get(graph);
  const z = looped && inputsOf(looped).find(({ name }) => name === latent);
  if (looped === undefined || z === undefined || z.type.shape.length !== 5) return false;
  const decoded = frames === null ? undefined : graphs.get(frames);
  return [looped, ...(decoded === undefined ? [] : [decoded])].every((one) =>
    inputsOf(one)
      .filter(({ axes }) => axes[frameAxis] === z.axes[frameAxis])
      .every(({ name }) => dependenceAlong(one, name, frameAxis) !== "mixed"),
  );
}

function inputsOf({ values }: Graph): readonly InputValue[] {
  return values.filter((value) => value.kind === "input");
}
