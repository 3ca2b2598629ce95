/** A variant and a seed to what is kept of them: trained by its stages, or with those of other cells, then built, sampled and measured. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LossStage, TrainingStage } from "../../compiler/module/training.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import type { CellResult } from "../../study/cell.ts";
import { nameOf } from "../../study/state.ts";
import type { OpenEngine } from "../../training/engine.ts";
import type { Metric } from "../../training/metrics.ts";
import { type Checkpoint, readCheckpoint } from "../../training/node/checkpoint.ts";
import type { UnequalLosses } from "../../training/node/mean-loss.ts";
import { runTraining } from "../../training/node/run.ts";
import { isRun, makeRunFolder, readRunWeights, runFiles } from "../../training/node/run-folder.ts";
import type { RunListener } from "../../training/node/run-keeper.ts";
import type { ReadTokens } from "../../training/node/sources.ts";
import { type Asked, requireSame, requireSameStages, type StagePlan } from "../../training/run-state.ts";
import type { Settings } from "../choices.ts";
import { metadataOf } from "../made-for.ts";
import type { OwnEngineName } from "../train/engines.ts";
import { dataOf, identityOf, secondsOf } from "../train/plans.ts";
import { startWeights } from "../train/prepare.ts";
import { undividedNote } from "../train/teller.ts";
import { keepSheet, type MeasuredCell, resultOf, sheetsOfStage } from "./cell-result.ts";
import { SharedStages } from "./shared-stages.ts";
import { stageKeys } from "./stage-keys.ts";
import { studyFiles } from "./study-folder.ts";

export interface CellWork extends MeasuredCell {
  readonly folder: string;
  readonly tokens: ReadTokens;
  readonly engine: OwnEngineName;
  readonly openEngine: OpenEngine;
  readonly asked: Asked;
  readonly plans: readonly StagePlan[];
  readonly set: Settings;
  readonly weights: readonly string[];
  /** Whether another cell of the study may share a stage. */
  readonly isWanted: (key: string) => boolean;
  readonly note: (text: string) => void;
}

/**
 * What is left of the cell's work; undefined where it was interrupted, and goes on another time.
 * @throws MvcError as `runTraining` and `evaluate`; `run-differs` of a folder that another study left
 */
export async function runCell(work: CellWork): Promise<CellResult | undefined> {
  const { prepared, dataset, tokens, plans, engine, signal } = work;
  const folder = join(work.folder, studyFiles.cells, nameOf(work));
  const identity = { ...identityOf(prepared, { seed: work.seed, set: work.set }), ...dataOf(dataset) };
  attempt(folder, () => mkdirSync(folder, { recursive: true }));
  const known = isRun(folder) ? await readCheckpoint(join(folder, runFiles.checkpoint)) : undefined;
  if (known !== undefined) {
    requireSame(folder, known.run.identity, identity);
    requireSameStages(folder, known.run.stages, plans);
  }
  const from = known ?? (await begun(work, identity));
  makeRunFolder(folder);
  const keysOf = (all: readonly StagePlan[]) => stageKeys(prepared, all, { seed: work.seed, dataset, engine });
  const shared = new SharedStages({
    folder: join(work.folder, studyFiles.shared),
    cell: nameOf(work),
    weights: prepared.training.weights,
    keyOf: (stage, done) => keyAt(from.run.stages, stage, keysOf, done),
    isWanted: work.isWanted,
  });
  const ended = await runTraining({
    folder,
    training: prepared.training,
    stages: prepared.stages,
    lossAt: prepared.lossAt,
    dataset,
    tokens,
    openEngine: work.openEngine,
    about: metadataOf({ ...identity, settings: work.set }),
    from,
    seconds: secondsOf(prepared, from.run.asked),
    saveEvery: null,
    sheets: sheetsOfStage,
    cache: join(work.folder, studyFiles.cache),
    known: shared,
    signal,
    listener: new CellListener(folder, work),
  });
  if (ended === "interrupted") return undefined;
  const { run } = await readCheckpoint(join(folder, runFiles.checkpoint));
  return resultOf(folder, work, {
    plans: run.stages,
    keys: keysOf(run.stages),
    by: (key) => shared.by(key),
    weights: await readRunWeights(join(folder, runFiles.weights)),
    seconds: run.seconds,
  });
}

/** Of a stage once it is done, by the steps that it took; those before it are as planned. */
function keyAt(
  plans: readonly StagePlan[],
  stage: string,
  keysOf: (plans: readonly StagePlan[]) => readonly string[],
  done?: StagePlan,
): string {
  const all = plans.map((plan) => (done !== undefined && plan.name === done.name ? done : plan));
  return keysOf(all)[all.findIndex(({ name }) => name === stage)] ?? "";
}

async function begun(
  { prepared, plans, asked, seed, set, weights: given }: CellWork,
  identity: Checkpoint["run"]["identity"],
): Promise<Checkpoint> {
  const { weights } = await startWeights(prepared, { seed, set, weights: given });
  return { run: { identity, asked, stages: plans, stage: 0, step: 0, seconds: 0 }, weights, training: new Map() };
}

class CellListener implements RunListener {
  readonly #folder: string;
  readonly #work: CellWork;
  #stage = 0;

  constructor(folder: string, work: CellWork) {
    this.#folder = folder;
    this.#work = work;
  }

  stage(plan: StagePlan, _stage: TrainingStage): void {
    this.#stage = this.#work.plans.findIndex(({ name }) => name === plan.name);
  }

  step({ stage, step, losses }: Metric, steps: number | null): void {
    const loss = (Object.values(losses)[0] ?? Number.NaN).toPrecision(4);
    this.#work.progress.work(
      `${stage} ${step}/${steps ?? "?"} steps  loss ${loss}`,
      this.#share(step / (steps ?? Number.POSITIVE_INFINITY)),
    );
  }

  progress(what: string, done: number, total: number): void {
    this.#work.progress.work(`${what}: clips ${done}/${total}`, this.#share(done / total));
  }

  saved(): void {}

  undivided(plan: StagePlan, unequal: UnequalLosses): void {
    this.#work.note(undividedNote(plan, unequal));
  }

  sample(stage: LossStage, step: number, weights: ReadonlyMap<string, Float32Array>): Promise<void> {
    return keepSheet(this.#folder, this.#work, { stage, step, weights });
  }

  /** Stages count alike, and what comes after them as one more. */
  #share(ofStage: number): number {
    return (this.#stage + ofStage) / (this.#work.plans.length + 1);
  }
}
