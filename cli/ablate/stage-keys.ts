/** A cell's stages to the hashes of all that each is computed from: stages of two cells with the same hash come to the same weights. */

import { createHash } from "node:crypto";
import type { Graph } from "../../compiler/graph/graph.ts";
import type { LatentLayer, TrainingStage } from "../../compiler/module/training.ts";
import type { Dataset } from "../../training/dataset.ts";
import { shownGraph } from "../../training/node/sources.ts";
import type { StagePlan } from "../../training/run-state.ts";
import type { Prepared } from "../train/prepare.ts";

export interface KeyedBy {
  readonly seed: number;
  readonly dataset: Dataset;
  /** What computes: two engines round differently. */
  readonly engine: string;
}

/**
 * In the order of the stages. A weight is known by what made it last, the seed or a stage, so that no number need be looked at: where each
 * of two stages reads weights of the same makers, in the same graphs and with the same figures, the second need not be run.
 */
export function stageKeys({ training, stages, tokenizer }: Prepared, plans: readonly StagePlan[], by: KeyedBy): readonly string[] {
  const { dataset, seed, engine } = by;
  const makers = new Map<string, string>();
  const shownOf = (graph: Graph) => [
    shownGraph(graph),
    graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, makers.get(value.path) ?? `seed ${seed}`]] : [])),
  ];
  const tokens = tokenizer?.kind === "found" ? tokenizer.text : null;
  return stages.map((stage, i) => {
    const encoders = encodersOf(stage).map((name) => {
      const graph = training.encoders.get(name);
      return graph === undefined ? name : shownOf(graph);
    });
    const { span, ...figures } = stage;
    const own = figures.kind === "loss" ? { ...figures, loss: shownOf(figures.loss) } : figures;
    const all = [own, plans[i], encoders, training.sampler, tokens, dataset.hash, dataset.size, seed, engine];
    const made = hashOf(all);
    if (stage.kind === "loss") {
      for (const { path } of stage.trained) makers.set(path, made);
      return made;
    }
    // What writes the latents hangs on what was measured alone, which others may measure too; a reader on what it was besides.
    const read = stage.readers.flatMap(pathsOf).map((path) => [training.weights.get(path), makers.get(path) ?? null]);
    const key = hashOf([made, read]);
    for (const path of pathsOf(stage.writer)) makers.set(path, made);
    for (const path of stage.readers.flatMap(pathsOf)) makers.set(path, key);
    return key;
  });
}

const hashOf = (all: unknown): string => createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);

const pathsOf = ({ weight, bias }: LatentLayer): readonly string[] => [weight, bias];

function encodersOf(stage: TrainingStage): readonly string[] {
  if (stage.kind === "measure") return [stage.graph];
  const named = stage.inputs.flatMap(({ source }) => ("encoder" in source && source.encoder !== null ? [source.encoder] : []));
  return [...new Set(named)];
}
