/** The variants of a study and its options to its cells: which there are, how long each is trained, which stages they share, and the report of those that are done. */

import { join } from "node:path";
import type { CellResult } from "../../study/cell.ts";
import type { StudyIdentity, StudyState } from "../../study/state.ts";
import { baselineName } from "../../study/variant.ts";
import type { Dataset } from "../../training/dataset.ts";
import { sharedSteps } from "../../training/plan.ts";
import type { Asked, StagePlan } from "../../training/run-state.ts";
import { shownPath } from "../shown-path.ts";
import { type EngineName, engines } from "../train/engines.ts";
import { type Prepared, sourceHash } from "../train/prepare.ts";
import { failuresOf } from "./failed-cell.ts";
import { writeReport } from "./report.ts";
import { stageKeys } from "./stage-keys.ts";
import type { Start } from "./start.ts";
import { doneSeeds, openStudyFolder, readCell, requireSameCell, requireSameStudy, saveStudy, studyFiles } from "./study-folder.ts";
import type { PreparedVariant, VariantOptions } from "./variants.ts";

export interface StudyOptions extends Pick<VariantOptions, "set" | "stage"> {
  readonly output: string;
  readonly seeds: number;
  /** Ablations that are trained now; all where nothing is said. */
  readonly only?: readonly string[];
  readonly steps?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly engine: EngineName;
  /** Prompts of each set that are measured. */
  readonly clips: number;
}

/** Noises of each prompt. */
export const noises = 2;

export interface Cell extends PreparedVariant {
  readonly seed: number;
}

/** Every variant of a seed before the next seed. */
export function cellsOf(found: readonly PreparedVariant[], { seeds, only }: Pick<StudyOptions, "seeds" | "only">): readonly Cell[] {
  const asked = found.filter(({ about }) => about.change === null || (only?.includes(about.name) ?? true));
  return Array.from({ length: seeds }, (_, seed) => asked.map((variant): Cell => ({ ...variant, seed }))).flat();
}

/** Which cells a study has, and how long each is. */
export class Study {
  readonly options: StudyOptions;
  readonly #found: readonly PreparedVariant[];
  readonly #dataset: Dataset;
  /** Of each prompt. */
  readonly #noises: number;
  state: StudyState;

  /**
   * Goes on with what the folder holds, which must be of the same kind. The baseline is the first that was found.
   * @throws MvcError `study-differs`, `study-damaged`
   */
  constructor(
    options: StudyOptions,
    found: readonly PreparedVariant[],
    dataset: Dataset,
    start: Pick<Start, "hash" | "reconstructionAlone">,
  ) {
    const [baseline] = found;
    if (baseline === undefined) throw new Error("ablate: a study without a baseline");
    const { output } = options;
    const known = openStudyFolder(output);
    const identity = studyOf(baseline.prepared, options, dataset, start);
    if (known !== undefined) requireSameStudy(output, known.identity, identity);
    this.options = options;
    this.#found = found;
    this.#dataset = dataset;
    this.#noises = start.reconstructionAlone ? 0 : noises;
    this.state = known ?? { format: "mvc-study", identity, steps: stepsOf(baseline.prepared, options) };
    for (const { about, prepared } of found)
      for (const seed of doneSeeds(output, about.name)) {
        const cell = readCell(output, { variant: about.name, seed });
        const own = sourceHash(prepared.training, prepared.stages);
        if (cell !== undefined) requireSameCell(output, cell, { sourceHash: own, dataHash: dataset.hash });
      }
  }

  /** All that are asked for, done or not. */
  cells(): readonly Cell[] {
    return cellsOf(this.#found, this.options);
  }

  /** The baseline's first cell shows how many steps its minutes buy; every other takes as many. */
  lengthOf({ about, prepared, seed }: Cell): { readonly asked: Asked; readonly plans: readonly StagePlan[] } {
    const { steps } = this.state;
    const { minutes = null } = this.options;
    const plans = plansOf(prepared, steps, this.#found[0]?.prepared ?? prepared, this.options);
    if (minutes !== null && steps === null && about.name === baselineName && seed === 0)
      return { asked: { steps: null, minutes }, plans: plans.map(unplanned) };
    return { asked: { steps: plans.reduce((sum, plan) => sum + (plan.steps ?? 0), 0), minutes: null }, plans };
  }

  /** Whether a stage is one of these cells' too. While steps are not known yet, any may be. */
  wanted(cells: readonly Cell[]): (key: string) => boolean {
    if (this.state.steps === null) return () => true;
    const { engine } = this.options;
    const keys = cells.flatMap((cell) =>
      stageKeys(cell.prepared, this.lengthOf(cell).plans, { seed: cell.seed, dataset: this.#dataset, engine }),
    );
    return (key) => keys.includes(key);
  }

  /** Of the baseline's first cell, how many steps its minutes bought. */
  async learn({ variant, seed, stages }: CellResult): Promise<void> {
    if (this.state.steps !== null || variant !== baselineName || seed !== 0) return;
    this.state = { ...this.state, steps: Object.fromEntries(stages.flatMap(({ name, steps }) => (steps > 0 ? [[name, steps]] : []))) };
    await saveStudy(this.options.output, this.state);
  }

  /** Of all cells that the folder holds. Nothing before the baseline has one. */
  async report(file: string): Promise<string> {
    const { output } = this.options;
    const variants = this.#found.map(({ about }) => ({
      about,
      cells: doneSeeds(output, about.name).flatMap((seed) => readCell(output, { variant: about.name, seed }) ?? []),
      failures: failuresOf(output, about.name),
    }));
    if (variants[0]?.cells.length === 0) return "nothing is done yet";
    await writeReport(output, {
      file: shownPath(file),
      state: this.state,
      noises: this.#noises,
      variants: variants.filter(({ cells, failures }) => cells.length + failures.length > 0),
    });
    return `${shownPath(join(output, studyFiles.page))} is the report`;
  }
}

const unplanned = (plan: StagePlan): StagePlan => (plan.batch === 0 ? plan : { ...plan, steps: null });

/** As the baseline's; a stage that it lacks takes as large a part of what it declares as the baseline's stages do. */
export function plansOf(
  { stages }: Prepared,
  steps: StudyState["steps"],
  baseline: Prepared,
  { batch, engine }: Pick<StudyOptions, "batch" | "engine">,
): readonly StagePlan[] {
  const declared = baseline.stages.reduce((sum, stage) => sum + (stage.kind === "loss" ? stage.steps : 0), 0);
  const given = Object.values(steps ?? {}).reduce((sum, count) => sum + count, 0);
  return stages.map((stage) => {
    const { name } = stage;
    if (stage.kind === "measure") return { name, batch: 0, parts: 0, steps: 0 };
    const own = batch ?? stage.batch;
    const count = steps?.[name] ?? Math.max(1, Math.round((stage.steps * given) / declared));
    return { name, batch: own, parts: engine === "torch" ? 1 : engines[engine].partsOf(own), steps: count };
  });
}

function stepsOf({ stages }: Prepared, { steps }: StudyOptions): StudyState["steps"] {
  if (steps === undefined) return null;
  const losses = stages.flatMap((stage) => (stage.kind === "loss" ? [stage] : []));
  const shared = sharedSteps(
    steps,
    losses.map((stage) => stage.steps),
  );
  return Object.fromEntries(losses.map(({ name }, i) => [name, shared[i] ?? 1]));
}

function studyOf({ module }: Prepared, options: StudyOptions, dataset: Dataset, { hash }: Pick<Start, "hash">): StudyIdentity {
  const { steps = null, minutes = null, batch = null, stage: stages = null, engine, clips, set = {} } = options;
  const { name: data, hash: dataHash } = dataset;
  return {
    model: module.name,
    preset: module.preset,
    settings: set,
    data,
    dataHash,
    steps,
    minutes,
    batch,
    stages,
    weights: hash,
    engine,
    clips,
  };
}
