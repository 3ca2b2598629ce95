/** A run that is under way: what it is of, how far it has come, and its files, which are always those of one moment. */

import { join } from "node:path";
import type { LossStage, Training, TrainingStage } from "../../compiler/module/training.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32 } from "../../runtime/tensor.ts";
import { curves } from "../curves.ts";
import type { Dataset } from "../dataset.ts";
import type { OpenEngine, TrainingState } from "../engine.ts";
import type { Metric } from "../metrics.ts";
import type { RunState, StagePlan } from "../run-state.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import type { UnequalLosses } from "./mean-loss.ts";
import { MetricsFile, runFiles } from "./run-folder.ts";
import type { ReadTokens } from "./sources.ts";

/** Who hears of a run. */
export interface RunListener {
  stage(plan: StagePlan, stage: TrainingStage): void;
  /** After each step; `steps` is null until a time has become a number of steps. */
  step(metric: Metric, steps: number | null): void;
  /** The stage's loss is not the mean of those of its batch's parts: each step computes its batch at once. */
  undivided(plan: StagePlan, losses: UnequalLosses): void;
  /** Of work that is no step: clips that are measured. */
  progress(what: string, done: number, total: number): void;
  saved(metric: Metric | undefined): void;
  /** Weights that are worth a look, of a stage that is under way or done. */
  sample(stage: LossStage, step: number, weights: ReadonlyMap<string, Float32Array>): Promise<void>;
}

export interface Run {
  readonly folder: string;
  readonly training: Training;
  readonly stages: readonly TrainingStage[];
  /** The stage of a name at the batch of one part. */
  readonly lossAt: (stage: string, batch: number) => LossStage;
  readonly dataset: Dataset;
  readonly tokens: ReadTokens;
  readonly openEngine: OpenEngine;
  /** As in `EngineJob`. */
  readonly recompute?: boolean;
  /** What the file of the weights says of itself. */
  readonly about: { readonly [key: string]: string };
  readonly from: { readonly run: RunState; readonly weights: ReadonlyMap<string, Float32Array>; readonly training: TrainingState };
  /** Seconds that each stage may take, where a time was given. */
  readonly seconds: readonly (number | null)[];
  /** Steps between two checkpoints; null: about a minute's. */
  readonly saveEvery: number | null;
  /** Sheets of samples of a stage, evenly over its steps; one about every ten minutes and one at the end, where nothing is said. */
  readonly sheets?: number;
  /** Where what encoders make of clips is kept; in the run's folder, where nothing is said. */
  readonly cache?: string;
  /** Stages that other runs have done. */
  readonly known?: KnownStages;
  readonly signal: AbortSignal;
  readonly listener: RunListener;
}

/** What a stage has made. */
export interface StageResult {
  /** Of the weights that it changes, by path. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly metrics: readonly Metric[];
}

/** Stages that begin alike end alike: what one run has made of one, another takes. */
export interface KnownStages {
  /** Undefined where it must be run. */
  find(stage: TrainingStage): Promise<StageResult | undefined>;
  /** Hears of a stage that was run, once it is done. */
  keep(stage: TrainingStage, plan: StagePlan, result: StageResult): Promise<void>;
}

/** What a run is at the moment, and its files. */
export class RunKeeper {
  readonly metrics: MetricsFile;
  readonly #run: Run;
  readonly #weights: Map<string, Float32Array>;
  readonly #started = performance.now();
  #state: RunState;

  private constructor(run: Run, metrics: MetricsFile) {
    this.#run = run;
    this.#state = run.from.run;
    this.#weights = new Map(run.from.weights);
    this.metrics = metrics;
  }

  static async open(run: Run): Promise<RunKeeper> {
    const { stages, stage, step } = run.from.run;
    const indexOf = new Map(stages.map(({ name }, i) => [name, i]));
    const metrics = await MetricsFile.open(run.folder, (metric) => {
      const at = indexOf.get(metric.stage) ?? stages.length;
      return at < stage || (at === stage && metric.step <= step);
    });
    return new RunKeeper(run, metrics);
  }

  get state(): RunState {
    return this.#state;
  }

  /** Every weight, by path; of the stage under way as they were when it began. */
  get weights(): ReadonlyMap<string, Float32Array> {
    return this.#weights;
  }

  /** Of the whole run, all of its sittings. */
  seconds(): number {
    return this.#run.from.run.seconds + (performance.now() - this.#started) / 1000;
  }

  /** Of the stage under way. */
  get plan(): StagePlan {
    const plan = this.#state.stages[this.#state.stage];
    if (plan === undefined) throw new Error("training: no stage is under way");
    return plan;
  }

  /** How far the stage under way has come. */
  at(step: number, steps: number | null): void {
    this.#replan({ steps });
    this.#state = { ...this.#state, step };
  }

  /** From now on each step of the stage under way computes its batch at once. */
  undivide(): void {
    this.#replan({ parts: 1 });
  }

  #replan(changed: Partial<StagePlan>): void {
    const stages = this.#state.stages.map((plan, i) => (i === this.#state.stage ? { ...plan, ...changed } : plan));
    this.#state = { ...this.#state, stages };
  }

  replace(weights: ReadonlyMap<string, Float32Array>): void {
    for (const [path, values] of weights) this.#weights.set(path, values.slice());
  }

  /** Goes on to the next stage. */
  async finish(): Promise<void> {
    this.#state = { ...this.#state, stage: this.#state.stage + 1, step: 0 };
    await this.save(new Map());
  }

  /** The checkpoint first: whatever is written after it is made again from it. */
  async save(training: TrainingState): Promise<void> {
    const { folder, training: declared, about, listener } = this.#run;
    const run = { ...this.#state, seconds: this.seconds() };
    await writeCheckpoint(join(folder, runFiles.checkpoint), { run, weights: this.#weights, training }, declared.weights);
    const given = givenWeights(this.#weights, training);
    const sources = [...given].map(([path, values]) => tensorSource(path, f32(declared.weights.get(path)?.type.shape ?? [], values)));
    await writeSafetensors(join(folder, runFiles.weights), sources, { metadata: about });
    const { metrics } = this.metrics;
    if (metrics.length > 1) await writeAtomically(join(folder, runFiles.curves), [Buffer.from(curves(metrics))]);
    listener.saved(metrics.at(-1));
  }
}

/** What a run gives: of what is trained the average, where the stage keeps one. */
export function givenWeights(weights: ReadonlyMap<string, Float32Array>, training: TrainingState): ReadonlyMap<string, Float32Array> {
  const given = ([path, values]: [string, Float32Array]) => {
    const state = training.get(path);
    return [path, state?.average ?? state?.value ?? values] as const;
  };
  return new Map([...weights].map(given));
}
