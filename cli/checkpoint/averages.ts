/** Averaged weights (EMA) that lie beside the plain ones to one set of tensors, as was asked for. */

import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { counted } from "./names.ts";

/** The choice between plain and averaged weights, and whether there was one. */
export interface Averages {
  readonly wanted: boolean;
  found: boolean;
}

/** The note that averaged weights are there and were not taken. */
export function averagesLeft(what: string): string {
  return `${what} holds averaged weights (EMA) beside the plain ones: the plain ones were read; \`--ema\` reads the averaged ones`;
}

const prefix = "model_ema.";
/** What the average counts for itself. */
const counters: readonly string[] = [`${prefix}decay`, `${prefix}num_updates`];

/**
 * CompVis's `LitEma` keeps the average of `model.diffusion_model.out.2.bias` as `model_ema.diffusion_modelout2bias`: the name without
 * `model.` and without its dots. Of weights that have no average, and of averages that have no plain weight, nothing changes.
 */
export function chooseAverages(tensors: Checkpoint["tensors"], path: string, averages: Averages): Pick<Checkpoint, "tensors" | "notes"> {
  const pairs = new Map<string, CheckpointTensor>();
  const averaged = new Set<string>();
  for (const key of tensors.keys()) {
    if (!key.startsWith("model.")) continue;
    const other = prefix + key.slice("model.".length).replaceAll(".", "");
    const average = tensors.get(other);
    if (average === undefined) continue;
    pairs.set(key, average);
    averaged.add(other);
  }
  if (pairs.size === 0) return { tensors, notes: [] };
  averages.found = true;
  const kept = [...tensors].filter(([key]) => !averaged.has(key) && !counters.includes(key));
  if (!averages.wanted) return { tensors: new Map(kept), notes: [averagesLeft(path)] };
  return {
    tensors: new Map(kept.map(([key, tensor]) => [key, pairs.get(key) ?? tensor])),
    notes: [`of ${path} the averaged weights (EMA) were read: ${counted(pairs.size, "tensor")}, under the keys of the plain ones`],
  };
}
