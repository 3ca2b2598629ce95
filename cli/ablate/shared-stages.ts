/** The stages that cells of a study have done to files that other cells take them from. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Training, TrainingStage } from "../../compiler/module/training.ts";
import { mvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32 } from "../../runtime/tensor.ts";
import type { Metric } from "../../training/metrics.ts";
import { readRunWeights } from "../../training/node/run-folder.ts";
import type { KnownStages, StageResult } from "../../training/node/run-keeper.ts";
import type { StagePlan } from "../../training/run-state.ts";

interface Told {
  /** The cell that ran it. */
  readonly by: string;
  readonly metrics: readonly Metric[];
}

export interface SharedOptions {
  readonly folder: string;
  /** The cell that asks. */
  readonly cell: string;
  readonly weights: Training["weights"];
  /** The key of a stage; once it is done by the steps that it took. */
  readonly keyOf: (stage: string, plan?: StagePlan) => string;
  /** Whether another cell may ask for it. */
  readonly isWanted: (key: string) => boolean;
}

export class SharedStages implements KnownStages {
  readonly #options: SharedOptions;

  constructor(options: SharedOptions) {
    this.#options = options;
  }

  /** Throws MvcError `file-…`, `study-damaged`, `weights-invalid` of a file that was changed. */
  async find({ name }: TrainingStage): Promise<StageResult | undefined> {
    const files = this.#files(this.#options.keyOf(name));
    if (!existsSync(files.told)) return undefined;
    const { metrics } = readTold(files.told);
    return { weights: await readRunWeights(files.weights), metrics };
  }

  /** The weights first: a stage is known by what is told of it. Throws MvcError `disk-full`, `write-failed`. */
  async keep({ name }: TrainingStage, plan: StagePlan, { weights, metrics }: StageResult): Promise<void> {
    const key = this.#options.keyOf(name, plan);
    if (!this.#options.isWanted(key)) return;
    const files = this.#files(key);
    const shapeOf = (path: string) => this.#options.weights.get(path)?.type.shape ?? [];
    await writeSafetensors(
      files.weights,
      [...weights].map(([path, values]) => tensorSource(path, f32(shapeOf(path), values))),
    );
    const told: Told = { by: this.#options.cell, metrics };
    await writeAtomically(files.told, [Buffer.from(`${JSON.stringify(told)}\n`)]);
  }

  /** The cell that ran a stage with such a key. */
  by(key: string): string {
    const { told } = this.#files(key);
    return existsSync(told) ? readTold(told).by : this.#options.cell;
  }

  #files(key: string) {
    const { folder } = this.#options;
    return { told: join(folder, `${key}.json`), weights: join(folder, `${key}.safetensors`) };
  }
}

/** Throws MvcError `file-…`, `study-damaged`. */
function readTold(file: string): Told {
  const text = readText(file, "what a stage came to", textLimits.graph);
  try {
    const told = JSON.parse(text) as Told;
    if (typeof told.by === "string" && Array.isArray(told.metrics)) return told;
  } catch {}
  throw mvcError("study-damaged", { file });
}
