/** The stages of a training to trained weights in the run's folder, from its start or from its checkpoint on. */

import type { MeasureStage, TrainingStage } from "../../compiler/module/training.ts";
import { ChannelFigures, normalised } from "../measure.ts";
import { openEncoder } from "./encoder.ts";
import { type Run, RunKeeper, type StageResult } from "./run-keeper.ts";
import { runStage } from "./run-stage.ts";
import { Clips } from "./sources.ts";

/** The most clips that latents are measured on: 16 frames of 8×8 of as many are half a million values a channel. */
const mostMeasured = 500;

/**
 * Runs what is left of the stages; where the signal says so it stops after a step, with a checkpoint of it.
 * @throws MvcError `training-…`, `disk-full`, `write-failed`, and the data set's; the last checkpoint stays
 */
export async function runTraining(run: Run): Promise<"done" | "interrupted"> {
  const keeper = await RunKeeper.open(run);
  const clips = new Clips(run.dataset);
  // Before any work: what cannot be written is told now, and whatever stops the run from here on can be gone on from.
  await keeper.save(run.from.training);
  for (let at = run.from.run.stage; at < run.stages.length; at = keeper.state.stage) {
    const [stage, plan] = [run.stages[at], keeper.state.stages[at]];
    if (stage === undefined || plan === undefined) throw new Error(`training: there is no stage ${at}`);
    const known = keeper.state.step === 0 ? await run.known?.find(stage) : undefined;
    if (known !== undefined) await take(run, stage, known, keeper);
    else {
      run.listener.stage(plan, stage);
      const before = new Map(keeper.weights);
      if (stage.kind === "measure") {
        if (!(await measure(run, stage, keeper, clips))) return "interrupted";
      } else if ((await runStage(run, stage, keeper, clips)) === "interrupted") return "interrupted";
      await run.known?.keep(stage, keeper.state.stages[at] ?? plan, madeOf(keeper, stage, before));
    }
    await keeper.finish();
  }
  return "done";
}

/** What another run has made of the stage becomes this one's own. */
async function take(run: Run, stage: TrainingStage, { weights, metrics }: StageResult, keeper: RunKeeper): Promise<void> {
  keeper.replace(weights);
  for (const metric of metrics) keeper.metrics.add(metric);
  const step = metrics.at(-1)?.step ?? 0;
  keeper.at(step, stage.kind === "loss" ? step : (keeper.state.stages[keeper.state.stage]?.steps ?? null));
  if (stage.kind === "loss") await run.listener.sample(stage, step, keeper.weights);
}

function madeOf(keeper: RunKeeper, stage: TrainingStage, before: ReadonlyMap<string, Float32Array>): StageResult {
  return {
    weights: new Map([...keeper.weights].filter(([path, values]) => before.get(path) !== values)),
    metrics: keeper.metrics.metrics.filter((metric) => metric.stage === stage.name),
  };
}

/** False where it was interrupted: it begins again then. */
async function measure(run: Run, stage: MeasureStage, keeper: RunKeeper, clips: Clips): Promise<boolean> {
  const graph = run.training.encoders.get(stage.graph);
  if (graph === undefined) throw new Error(`training: there is no graph ${stage.graph} to measure`);
  const { count, size } = run.dataset;
  const encoder = await openEncoder(graph, keeper.weights, size.frames);
  // The axis counts the batch, which one clip's result has not.
  const figures = new ChannelFigures(encoder.shape, stage.axis - 1);
  try {
    const measured = Math.min(count, mostMeasured);
    for (let i = 0; i < measured; i++) {
      if (run.signal.aborted) return false;
      figures.add(await encoder.encode(await clips.pixels(Math.floor((i * count) / measured))));
      run.listener.progress(stage.name, i + 1, measured);
    }
  } finally {
    await encoder.dispose();
  }
  keeper.replace(normalised(stage, figures.figures(), keeper.weights));
  return true;
}
