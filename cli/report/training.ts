/** A model's training to what each stage trains and what a step of it costs, as data and as a table. */

import pc from "picocolors";
import { costOf, type GraphCost } from "../../compiler/analysis/cost.ts";
import { differentiate } from "../../compiler/differentiate/differentiate.ts";
import { recomputeBlocks } from "../../compiler/differentiate/recompute.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import type { LossStage, MeasureStage, Training } from "../../compiler/module/training.ts";
import { table } from "../table.ts";
import { shownCount, shownGiga, shownMebi } from "./figures.ts";

export interface LossCost {
  readonly kind: "loss";
  readonly name: string;
  readonly loss: string;
  /** Of the weights that the loss reads. */
  readonly trained: Count;
  readonly frozen: Count;
  readonly batch: number;
  readonly steps: number;
  /** Of a step of the whole batch: the loss alone, and with the gradients of what is trained. Without the optimizer's, and without the encoders'. */
  readonly forwardFlops: number;
  readonly flops: number;
  /** The most that values take at once, with every value that a gradient reads kept. */
  readonly activationBytes: number;
  /** The two figures of a step that computes blocks again in its backward pass; null where that saves less than a tenth. */
  readonly recomputed: { readonly flops: number; readonly activationBytes: number } | null;
}

export interface Count {
  readonly parameters: number;
  readonly tensors: number;
}

export type StageCost = LossCost | Pick<MeasureStage, "kind" | "name" | "graph" | "writer" | "readers">;

export interface TrainingCost {
  readonly stages: readonly StageCost[];
  readonly left: readonly string[];
}

export function trainingCost({ stages, left }: Training): TrainingCost {
  return {
    left,
    stages: stages.map((stage): StageCost => {
      if (stage.kind === "loss") return lossCost(stage);
      const { kind, name, graph, writer, readers } = stage;
      return { kind, name, graph, writer, readers };
    }),
  };
}

function lossCost({ name, loss, trained, batch, steps }: LossStage): LossCost {
  const paths = trained.map(({ path }) => path);
  const graph = differentiate(loss, paths);
  const step = costOf(graph, 1);
  const again = recomputeBlocks(graph);
  const count = (kept: (path: string) => boolean): Count => {
    const sizes = loss.values.flatMap((value) => (value.kind === "weight" && kept(value.path) ? [sizeOf(value.type.shape)] : []));
    return { parameters: sizes.reduce((sum, size) => sum + size, 0), tensors: sizes.length };
  };
  const isTrained = new Set(paths);
  return {
    kind: "loss",
    name,
    loss: loss.name,
    trained: count((path) => isTrained.has(path)),
    frozen: count((path) => !isTrained.has(path)),
    batch,
    steps,
    forwardFlops: costOf(loss, 1).flops,
    flops: step.flops,
    activationBytes: step.activationBytes,
    recomputed: again === graph ? null : pickCost(costOf(again, 1)),
  };
}

function pickCost({ flops, activationBytes }: GraphCost): LossCost["recomputed"] {
  return { flops, activationBytes };
}

export function printedTraining({ stages, left }: TrainingCost): string {
  const losses = stages.filter((stage) => stage.kind === "loss");
  const head = ["stage", "trained", "tensors", "frozen", "steps", "batch", "GFLOP a step", "of them forward", "MiB of activations"];
  const rows = losses.map(({ name, trained, frozen, steps, batch, forwardFlops, flops, activationBytes }) => [
    name,
    shownCount(trained.parameters),
    String(trained.tensors),
    shownCount(frozen.parameters),
    shownCount(steps),
    shownCount(batch),
    shownGiga(flops),
    shownGiga(forwardFlops),
    shownMebi(activationBytes),
  ]);
  const saved = losses.flatMap(({ name, recomputed }) =>
    recomputed === null
      ? []
      : [
          `${name}: ${shownMebi(recomputed.activationBytes)} MiB of activations if blocks are computed again, in ${shownGiga(recomputed.flops)} GFLOP a step`,
        ],
  );
  const measured = stages.flatMap((stage) => (stage.kind === "measure" ? [normalised(stage)] : []));
  const unrun = left.length === 0 ? [] : [`left out, as their \`when\` is false: ${left.join(", ")}`];
  return [pc.bold("training"), ...table(head, rows, { total: false }), ...saved, ...measured, ...unrun, ""].join("\n");
}

function normalised({ name, graph, writer, readers }: Pick<MeasureStage, "name" | "graph" | "writer" | "readers">): string {
  const of = ({ weight }: { readonly weight: string }) => weight.slice(0, weight.lastIndexOf("."));
  return `${name}: what \`${graph}\` gives gets mean 0 and deviation 1 by channel, by ${of(writer)}; undone by ${readers.map(of).join(", ")}`;
}
