/** A cell whose training is done to what is kept of it: its weights sampled and measured, its metrics as curves. */

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { LossStage } from "../../compiler/module/training.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import { type CellResult, keptOf, type Sheet, type StageRecord, stageRecord } from "../../study/cell.ts";
import type { Measured } from "../../study/measure.ts";
import { nameOf } from "../../study/state.ts";
import type { Dataset } from "../../training/dataset.ts";
import type { Metric } from "../../training/metrics.ts";
import { MetricsFile, runFiles } from "../../training/node/run-folder.ts";
import type { StagePlan } from "../../training/run-state.ts";
import { type Prepared, sourceHash } from "../train/prepare.ts";
import { sampledClips, showsIn } from "../train/sample-sheet.ts";
import { withPackage } from "../train/temporary-package.ts";
import { framesOf, sheetOf } from "./sheet.ts";
import type { StudyProgress } from "./study-progress.ts";

export interface MeasuredCell {
  readonly variant: string;
  readonly seed: number;
  readonly prepared: Prepared;
  readonly dataset: Dataset;
  readonly prompts: readonly string[];
  readonly evaluate: (
    packageFolder: string,
    listening: { readonly progress: (task: string, done: number, total: number) => void; readonly signal: AbortSignal },
  ) => Promise<readonly Measured[]>;
  readonly progress: StudyProgress;
  readonly signal: AbortSignal;
}

/** What a training came to. */
export interface Trained {
  readonly plans: readonly StagePlan[];
  /** Of each stage, as `stageKeys` gives them. */
  readonly keys: readonly string[];
  /** The cell that ran a stage with such a key. */
  readonly by: (key: string) => string;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly seconds: number;
}

/** `folder` is the cell's run. Throws MvcError as `evaluate`. */
export async function resultOf(folder: string, cell: MeasuredCell, { plans, keys, by, weights, seconds }: Trained): Promise<CellResult> {
  const { variant, seed, prepared, dataset, prompts, signal } = cell;
  const { module, tokenizer } = prepared;
  const progress = (task: string, done: number, total: number) => cell.progress.work(`${task} ${done}/${total}`, 1);
  const measured = await withPackage(module, weights, { folder, tokenizer, signal }, (path) => cell.evaluate(path, { progress, signal }));
  const { metrics } = await MetricsFile.open(folder, () => true);
  const stages = recordsOf(plans, keys, metrics, by);
  const taken = stages.filter((stage) => stage.by !== nameOf({ variant, seed }));
  return {
    format: "mvc-cell",
    variant,
    seed,
    sourceHash: sourceHash(prepared.training, prepared.stages),
    dataHash: dataset.hash,
    stages,
    measured: keptOf(measured),
    prompts,
    sheets: sheetsIn(folder),
    frames: framesOf(dataset.size.frames),
    aspect: Number((dataset.size.width / dataset.size.height).toFixed(4)),
    seconds: Number(taken.reduce((sum, { name }) => sum + lengthOf(metrics, name), seconds).toFixed(1)),
  };
}

function recordsOf(
  plans: readonly StagePlan[],
  keys: readonly string[],
  metrics: readonly Metric[],
  by: (key: string) => string,
): readonly StageRecord[] {
  return plans.map(({ name, batch }, i) => {
    const own = metrics.filter(({ stage }) => stage === name);
    const steps = own.map(({ step, losses, seconds }) => ({ step, seconds, loss: Object.values(losses)[0] ?? Number.NaN }));
    const key = keys[i] ?? "";
    return stageRecord({ name, batch, key, by: by(key) }, steps);
  });
}

/** From the first of a stage's steps to its last, in seconds of the run that it was of. */
function lengthOf(metrics: readonly Metric[], stage: string): number {
  const own = metrics.filter((metric) => metric.stage === stage);
  return (own.at(-1)?.seconds ?? 0) - (own[0]?.seconds ?? 0);
}

const sheetsIn = (folder: string): readonly Sheet[] => samplesIn(folder, "gif");

/** What a cell has of moments of its training, by stage and step, as their names say. */
export function samplesIn(folder: string, ending: "gif" | "safetensors"): readonly Sheet[] {
  const samples = join(folder, runFiles.samples);
  return attempt(samples, () => readdirSync(samples))
    .sort()
    .flatMap((name) => {
      const [, stage, step, kind] = /^(.+)-(\d+)\.(\w+)$/.exec(name) ?? [];
      return stage === undefined || kind !== ending ? [] : [{ stage, step: Number(step), file: `${runFiles.samples}/${name}` }];
    });
}

/** Sheets of each stage that trains what clips are sampled by. */
export const sheetsOfStage = 4;

export interface Moment {
  readonly stage: LossStage;
  readonly step: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** A sheet of clips as the weights of a stage's step give them, if clips are sampled by what the stage trains; none twice. */
export async function keepSheet(
  folder: string,
  { prepared: { module, tokenizer }, prompts }: Pick<MeasuredCell, "prepared" | "prompts">,
  { stage: { name, trained }, step, weights }: Moment,
): Promise<void> {
  if (!showsIn(module, new Set(trained.map(({ path }) => path)))) return;
  const samples = join(folder, runFiles.samples);
  const file = join(samples, `${name}-${String(step).padStart(6, "0")}.gif`);
  if (existsSync(file)) return;
  attempt(samples, () => mkdirSync(samples, { recursive: true }));
  // One that is begun is finished, though the study be stopped: a run that goes on does not come by here again.
  const { signal } = new AbortController();
  const clips = await withPackage(module, weights, { folder, tokenizer, signal }, (path) => sampledClips(path, module, prompts));
  await writeAtomically(file, [sheetOf(clips)]);
}
