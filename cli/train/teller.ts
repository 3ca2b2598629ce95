/** What a run tells to what its user sees: lines on the terminal, and sheets of samples in its folder. */

import { join } from "node:path";
import type { LossStage, TrainingStage } from "../../compiler/module/training.ts";
import { MvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import type { Dataset } from "../../training/dataset.ts";
import type { Metric } from "../../training/metrics.ts";
import type { UnequalLosses } from "../../training/node/mean-loss.ts";
import { runFiles } from "../../training/node/run-folder.ts";
import type { RunListener } from "../../training/node/run-keeper.ts";
import type { StagePlan } from "../../training/run-state.ts";
import { printNotes } from "../notes.ts";
import { timeText } from "../progress.ts";
import type { Prepared } from "./prepare.ts";
import { TrainingProgress } from "./progress.ts";
import { sampleSheet, showsIn } from "./sample-sheet.ts";

/** Clips of a sheet. */
const rows = 4;

export class Teller implements RunListener {
  readonly #folder: string;
  readonly #prepared: Prepared;
  readonly #dataset: Dataset;
  readonly #signal: AbortSignal;
  readonly #progress = new TrainingProgress();
  #captions: readonly string[] | undefined;
  /** Undefined before the first. */
  #stage: string | undefined;
  #steps: number | null = null;
  #hasFailed = false;

  constructor(folder: string, prepared: Prepared, dataset: Dataset, signal: AbortSignal) {
    this.#folder = folder;
    this.#prepared = prepared;
    this.#dataset = dataset;
    this.#signal = signal;
  }

  stage(plan: StagePlan, stage: TrainingStage): void {
    this.#progress.stop();
    this.#stage = stage.name;
    if (stage.kind === "measure") return this.#say(`${stage.name}: measuring ${stage.graph} over ${this.#dataset.name}`);
    const { steps, batch, parts } = plan;
    const shared = parts > 1 ? ` in ${parts} parts` : "";
    this.#say(
      `${stage.name}: ${stage.trained.length} tensors, batch ${batch}${shared}, ${steps === null ? "as many steps as fit" : `${count(steps)} steps`}`,
    );
  }

  step(metric: Metric, steps: number | null): void {
    const { stage, step, learningRate } = metric;
    this.#steps = steps;
    this.#progress.step({ stage, step, steps, learningRate, loss: lossOf(metric) });
  }

  undivided({ name, batch }: StagePlan, { whole, mean }: UnequalLosses): void {
    printNotes([undividedNote({ name, batch }, { whole, mean })]);
  }

  progress(what: string, done: number, total: number): void {
    this.#progress.other(`${what}: clips`, done, total);
  }

  saved(metric: Metric | undefined): void {
    if (metric === undefined) return;
    const { stage, step, seconds } = metric;
    if (this.#stage === undefined) return this.#say(`goes on from step ${count(step)} of ${stage}`);
    // What was measured has no steps.
    if (stage !== this.#stage) return;
    this.#say(
      `${stage}: step ${count(step)}${this.#steps === null ? "" : ` of ${count(this.#steps)}`}, loss ${lossOf(metric).toPrecision(4)}, ${timeText(seconds)}`,
    );
  }

  async sample({ name, trained }: LossStage, step: number, weights: ReadonlyMap<string, Float32Array>): Promise<void> {
    const { module, tokenizer } = this.#prepared;
    if (!showsIn(module, new Set(trained.map(({ path }) => path)))) return;
    this.#progress.pause();
    const file = join(this.#folder, runFiles.samples, `${name}-${String(step).padStart(6, "0")}.png`);
    try {
      this.#captions ??= await captionsOf(this.#dataset);
      const options = { folder: this.#folder, captions: this.#captions, tokenizer, signal: this.#signal };
      await writeAtomically(file, [await sampleSheet(module, weights, options)]);
    } catch (thrown) {
      // A sheet is there to be looked at: a model that takes more than a text, or whose clips are none yet, trains all the same.
      if (!(thrown instanceof MvcError) || thrown.code === "disk-full" || thrown.code === "write-failed") throw thrown;
      if (!this.#hasFailed && thrown.code !== "aborted") printNotes([`there is no sheet of samples: ${thrown.message}`]);
      this.#hasFailed = true;
    }
  }

  /** The last lines; `next` is what is done with the weights, or to go on. */
  ended(next: string): void {
    this.#progress.stop();
    this.#say(next);
  }

  stop(): void {
    this.#progress.stop();
  }

  #say(text: string): void {
    this.#progress.pause();
    process.stdout.write(`${text}\n`);
  }
}

const count = (number: number) => number.toLocaleString("en");
const lossOf = ({ losses }: Metric) => Object.values(losses)[0] ?? Number.NaN;

/** The captions of a few clips, evenly over the data, none twice. */
async function captionsOf(dataset: Dataset): Promise<readonly string[]> {
  const captions = new Set<string>();
  for (let i = 0; i < 4 * rows && captions.size < rows; i++)
    captions.add((await dataset.clip(Math.floor((i * dataset.count) / (4 * rows)))).caption);
  return [...captions];
}

/** Of a stage whose loss is not the mean of its parts'. */
export function undividedNote({ name, batch }: Pick<StagePlan, "name" | "batch">, { whole, mean }: UnequalLosses): string {
  const figures = `${whole.toPrecision(4)} of a batch, ${mean.toPrecision(4)} of its parts on average`;
  return `the loss of ${name} is no mean over the batch (${figures}): each step computes its batch of ${batch} at once`;
}
