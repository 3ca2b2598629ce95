/** A cell's stages to the hashes of all that each is computed from: stages of two cells with the same hash come to the same weights. */

import { createHash } from "node:crypto";
import type { Graph } from "../../compiler/graph/graph.ts";
import type { TrainingStage } from "../../compiler/module/training.ts";
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
    const key = createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
    for (const path of changedBy(stage)) makers.set(path, key);
    return key;
  });
}

function encodersOf(stage: TrainingStage): readonly string[] {
  if (stage.kind === "measure") return [stage.graph];
  const named = stage.inputs.flatMap(({ source }) => ("encoder" in source && source.encoder !== null ? [source.encoder] : []));
  return [...new Set(named)];
}

function changedBy(stage: TrainingStage): readonly string[] {
  if (stage.kind === "loss") return stage.trained.map(({ path }) => path);
  return [stage.writer, ...stage.readers].flatMap(({ weight, bias }) => [weight, bias]);
}
