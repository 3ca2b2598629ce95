/** A cell that PyTorch trains: its folder as train.py and torchrun take it, its training here, and what is kept of it once it is done. */

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LossStage, TrainingStage } from "../../compiler/module/training.ts";
import { type MvcError, mvcError } from "../../runtime/errors.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { readSafetensors, readSafetensorsHeader } from "../../runtime/node/safetensors-file.ts";
import type { TensorData } from "../../runtime/tensor.ts";
import type { CellResult } from "../../study/cell.ts";
import { nameOf } from "../../study/state.ts";
import { isRun, makeRunFolder, runFiles, torchFiles } from "../../training/node/run-folder.ts";
import type { StagePlan } from "../../training/run-state.ts";
import type { Settings } from "../choices.ts";
import { type Prepared, startWeights } from "../train/prepare.ts";
import { showsIn } from "../train/sample-sheet.ts";
import { requireSameCode, writeCode, writeStart } from "../train/torch-folder.ts";
import { runTrainer } from "../train/torch-trainer.ts";
import { keepSheet, type MeasuredCell, resultOf, samplesIn, sheetsOfStage } from "./cell-result.ts";
import { stageKeys } from "./stage-keys.ts";
import { studyFiles } from "./study-folder.ts";

/** What a launcher runs, by bash, with the number of processes. */
const script = "train.sh";

export interface TorchCell {
  /** Of the study. */
  readonly folder: string;
  readonly variant: string;
  readonly seed: number;
  readonly prepared: Prepared;
  /** The Python files, whose stages are as long as `plans` says. */
  readonly files: ReadonlyMap<string, string>;
  readonly plans: readonly StagePlan[];
  /** The file of clips in the study's folder. */
  readonly clips: string;
  readonly set: Settings;
  readonly weights: readonly string[];
}

/** How far train.py has come, as its checkpoint says. */
interface TorchRun {
  readonly seed: number;
  readonly stages: readonly { readonly name: string; readonly batch?: number; readonly steps?: number }[];
  /** The next or current stage, from 0; as many as there are once all are done. */
  readonly stage: number;
  readonly step: number;
  readonly seconds: number;
}

const folderOf = (cell: TorchCell): string => join(cell.folder, studyFiles.cells, nameOf(cell));

/**
 * Writes what the cell begins with; one that is there already must be of the same model and training.
 * @throws MvcError `run-differs`, `run-damaged`, `disk-full`, `write-failed`
 */
export async function prepareTorchCell(cell: TorchCell): Promise<void> {
  const folder = folderOf(cell);
  attempt(folder, () => mkdirSync(folder, { recursive: true }));
  // Written last.
  if (existsSync(join(folder, torchFiles.start))) return requireSameCode(folder, cell.files);
  const { weights } = await startWeights(cell.prepared, { seed: cell.seed, set: cell.set, weights: cell.weights });
  makeRunFolder(folder);
  writeCode(folder, new Map([...cell.files, [script, scriptOf(cell)]]));
  await writeStart(folder, cell.prepared, weights, cell.set);
}

function scriptOf({ clips, seed, prepared, plans }: TorchCell): string {
  const stages = plans.length < prepared.training.stages.length ? stageWords(plans) : [];
  const words = [...stages, ...keepWords(prepared)].map((word) => ` ${word}`).join("");
  return `#!/bin/bash
# Trains this cell, or goes on with it, on one node: bash train.sh [PROCESSES]
set -euo pipefail
cd "$(dirname "$0")"
resume=()
if [ -e checkpoint.safetensors ]; then resume=(--resume); fi
exec torchrun --standalone --nproc-per-node="\${1:-1}" \\
  train.py --data ../../${clips} --weights start.safetensors -o . --seed ${seed}${words} "\${resume[@]}"
`;
}

const stageWords = (plans: readonly StagePlan[]) => plans.flatMap(({ name }) => ["--stage", name]);

/** Moments of whose weights `gatherTorchCell` makes sheets. */
const keepWords = (prepared: Prepared) => shownStages(prepared).flatMap(({ name }) => ["--keep", `${name}=${sheetsOfStage}`]);

/** Those that train what clips are sampled by. */
function shownStages({ module, stages }: Prepared): readonly LossStage[] {
  const isShown = (stage: TrainingStage): stage is LossStage =>
    stage.kind === "loss" && showsIn(module, new Set(stage.trained.map(({ path }) => path)));
  return stages.filter(isShown);
}

/** Where it is done nothing, else where it stands, for people. Throws MvcError `run-differs` of a run that is not the study's. */
export async function leftOf(cell: TorchCell): Promise<string | undefined> {
  const run = await runOf(cell);
  if (run === undefined) return "not begun";
  const current = run.stages[run.stage];
  if (current === undefined) return undefined;
  return `stage ${current.name}, step ${run.step} of ${current.steps ?? 0}`;
}

/** Of a cell whose last training ended as its numbers were not finite, wherever it ran. */
export function failedTraining(cell: TorchCell): MvcError | undefined {
  const log = join(folderOf(cell), torchFiles.failure);
  if (!existsSync(log)) return undefined;
  return mvcError("torch-failed", { reason: readText(log, "how a training failed", textLimits.settings).trim(), log });
}

async function runOf(cell: TorchCell): Promise<TorchRun | undefined> {
  const folder = folderOf(cell);
  if (!isRun(folder)) return undefined;
  const { metadata } = await readSafetensorsHeader(join(folder, runFiles.checkpoint));
  const differs = (what: string, expected: unknown, found: unknown) =>
    mvcError("run-differs", { folder, what, expected: String(expected), found: String(found) });
  if (metadata.get("format") !== torchFiles.format) throw differs("the engine", "onnx or webgpu", "torch");
  const run = JSON.parse(metadata.get("run") ?? "{}") as TorchRun;
  if (run.seed !== cell.seed) throw differs("the seed", run.seed, cell.seed);
  const [names, own] = [run.stages, cell.plans].map((stages) => stages.map(({ name }) => name).join(", "));
  if (names !== own) throw differs("the stages", names, own);
  for (const [i, { name, batch, steps }] of cell.plans.entries()) {
    if (batch === 0) continue;
    const started = run.stages[i];
    if (started?.batch !== batch) throw differs(`a batch in stage "${name}" of`, started?.batch, batch);
    if (started.steps !== steps) throw differs(`steps in stage "${name}" of`, started.steps, steps);
  }
  return run;
}

/** What is left of its training, by the Python of this machine. Throws MvcError as `runTrainer`. */
export async function trainTorchCell(
  cell: TorchCell,
  { progress, signal }: Pick<MeasuredCell, "progress" | "signal">,
  python: string,
): Promise<"done" | "interrupted"> {
  const { plans, seed } = cell;
  const folder = folderOf(cell);
  const steps = plans.reduce((sum, plan) => sum + (plan.steps ?? 0), 0);
  const before = new Map(plans.map(({ name }, i) => [name, plans.slice(0, i).reduce((sum, plan) => sum + (plan.steps ?? 0), 0)] as const));
  return runTrainer({
    python,
    folder,
    words: [
      ...[
        "--data",
        join(cell.folder, cell.clips),
        "--weights",
        join(folder, torchFiles.start),
        "--seed",
        String(seed),
        ...stageWords(plans),
        ...keepWords(cell.prepared),
      ],
      ...(isRun(folder) ? ["--resume"] : []),
    ],
    step: ({ stage, step, losses }) => {
      const loss = (Object.values(losses)[0] ?? Number.NaN).toPrecision(4);
      progress.work(`${stage} ${step} steps  loss ${loss}`, ((before.get(stage) ?? 0) + step) / (steps + 1));
    },
    said: () => {},
    signal,
  });
}

/**
 * Of a cell that is done. The weights are the checkpoint's, which is whole whenever the training was ended.
 * @throws MvcError as `resultOf`; `weights-invalid` of a checkpoint that was changed
 */
export async function gatherTorchCell(cell: TorchCell, measured: MeasuredCell): Promise<CellResult> {
  const { prepared, plans, seed } = cell;
  const folder = folderOf(cell);
  const run = await runOf(cell);
  if (run === undefined) throw new Error(`ablate: ${nameOf(cell)} is not done`);
  const stored = await readSafetensors(join(folder, runFiles.checkpoint));
  const weights = wholeWeights(prepared, join(folder, runFiles.checkpoint), (path) => stored[`weight ${path}`]);
  const shown = shownStages(prepared);
  for (const { stage: name, step, file } of samplesIn(folder, "safetensors")) {
    const stage = shown.find((one) => one.name === name);
    if (stage === undefined) continue;
    const path = join(folder, file);
    const kept = await readSafetensors(path);
    await keepSheet(folder, measured, { stage, step, weights: wholeWeights(prepared, path, (weight) => kept[weight]) });
    attempt(path, () => rmSync(path));
  }
  const last = shown.at(-1);
  if (last !== undefined)
    await keepSheet(folder, measured, { stage: last, step: plans.find(({ name }) => name === last.name)?.steps ?? 0, weights });
  const own = nameOf(cell);
  return resultOf(folder, measured, {
    plans,
    keys: stageKeys(prepared, plans, { seed, dataset: measured.dataset, engine: "torch" }),
    by: () => own,
    weights,
    seconds: run.seconds,
  });
}

function wholeWeights(
  { training }: Prepared,
  file: string,
  find: (path: string) => TensorData | undefined,
): ReadonlyMap<string, Float32Array> {
  const paths = [...training.weights.keys()];
  const missing = paths.find((path) => find(path) === undefined);
  if (missing !== undefined) throw mvcError("run-damaged", { file, reason: `it lacks ${missing}` });
  return new Map(paths.map((path) => [path, find(path)?.data as Float32Array]));
}
