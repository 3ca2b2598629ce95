/** `mvc ablate`: a model's baseline and its ablations, trained from the same seeds, data and steps, to a report of what each is better at; stopped at any time, it goes on where it was. */

import { join } from "node:path";
import { MvcError, mvcError } from "../../runtime/errors.ts";
import { requireRoom } from "../../runtime/node/output-file.ts";
import { claimTemporary } from "../../runtime/node/temporary.ts";
import type { CellResult } from "../../study/cell.ts";
import { baselineName } from "../../study/variant.ts";
import type { Dataset } from "../../training/dataset.ts";
import { sharedSteps } from "../../training/plan.ts";
import type { StagePlan } from "../../training/run-state.ts";
import { runCell } from "../ablate/cell.ts";
import { writeReport } from "../ablate/report.ts";
import { stageKeys } from "../ablate/stage-keys.ts";
import {
  cellVariants,
  doneSeeds,
  makeStudyFolder,
  nameOf,
  openStudyFolder,
  readCell,
  requireSameCell,
  requireSameStudy,
  type StudyIdentity,
  type StudyState,
  saveCell,
  saveStudy,
  studyFiles,
} from "../ablate/study-folder.ts";
import { StudyProgress } from "../ablate/study-progress.ts";
import { type PreparedVariant, type VariantOptions, variantsOf } from "../ablate/variants.ts";
import type { DatasetOptions } from "../data/dataset-options.ts";
import { openDataset } from "../data/open-dataset.ts";
import { evaluate } from "../eval/evaluate.ts";
import { printNotes } from "../notes.ts";
import { shownPath } from "../program.ts";
import { timeText } from "../progress.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { engines, type OwnEngineName } from "../train/engines.ts";
import { type LengthOptions, requireLength, worksOf } from "../train/plans.ts";
import { type Prepared, sourceHash } from "../train/prepare.ts";
import { tokensOf } from "../train/tokens.ts";

export interface AblateOptions
  extends VariantOptions,
    Omit<LengthOptions, "saveEvery" | "engine">,
    Omit<DatasetOptions, "clips" | "seed" | "combinations"> {
  readonly data: string;
  readonly engine: OwnEngineName;
  readonly seeds: number;
  /** Prompts of each set that are measured. */
  readonly clips: number;
  readonly output: string;
}

/** Noises of each prompt. */
const noises = 2;
const mostSeeds = 100;
/** Prompts whose clips are shown. */
const shownPrompts = 2;

export async function ablate(file: string, options: AblateOptions): Promise<Outcome> {
  requireOptions(options);
  const { output } = options;
  const known = openStudyFolder(output);
  const found = variantsOf(file, { ...options, ...(options.only && { only: namesOf(output, options) }) });
  if (found === undefined) return "mistake";
  const signal = interruptible();
  const note = once((text) => printNotes([text]));
  const [baseline] = found;
  const size = baseline?.prepared.training.clip;
  if (baseline === undefined || size === null || size === undefined) throw new Error("ablate: no baseline that takes clips");
  const works = () => found.flatMap(({ prepared }) => worksOf(prepared, plansOf(prepared, null, baseline.prepared, options), 0, false));
  const openEngine = await engines[options.engine].prepare(works);
  const { fps, stride, windows, short, damaged, uncaptioned, cache } = options;
  const films = { fps, stride, windows, short, damaged, uncaptioned, cache };
  const dataset = await openDataset(options.data, size, films, { note, signal });
  requireSizes(found, dataset);
  const identity = studyOf(baseline.prepared, options, dataset);
  if (known !== undefined) requireSameStudy(output, known.identity, identity);
  const study = new Study(options, found, dataset, known ?? { format: "mvc-study", identity, steps: stepsOf(baseline.prepared, options) });
  const cells = study.cells();
  await makeStudyFolder(output);
  await requireDisk(output, found, cells.length);
  await saveStudy(output, study.state);
  const progress = new StudyProgress(cells.length);
  try {
    for (const [at, cell] of cells.entries()) {
      const name = nameOf({ variant: cell.about.name, seed: cell.seed });
      if (readCell(output, { variant: cell.about.name, seed: cell.seed }) !== undefined) continue;
      progress.cell(at, name);
      const { prepared, seed } = cell;
      const result = await runCell({
        folder: output,
        variant: cell.about.name,
        seed,
        prepared,
        dataset,
        tokens: tokensOf(prepared, note),
        prompts: await promptsOf(dataset),
        engine: options.engine,
        openEngine,
        note,
        ...study.lengthOf(cell),
        set: options.set ?? {},
        isWanted: study.wanted(cells.slice(at + 1)),
        evaluate: (folder, listening) =>
          evaluate(folder, {
            ...films,
            data: options.data,
            clips: options.clips,
            seeds: noises,
            backend: "onnx",
            listening: { ...listening, note },
          }),
        progress,
        signal,
      });
      if (result === undefined) return await stopped(progress, study, file);
      await saveCell(output, result);
      await study.learn(result);
      progress.done(`${summaryOf(result)}, ${timeText(result.seconds)} of training`);
    }
  } catch (thrown) {
    if (thrown instanceof MvcError && thrown.code === "aborted") return await stopped(progress, study, file);
    throw thrown;
  } finally {
    progress.stop();
  }
  const written = await study.report(file);
  progress.say(`${shownPath(output)}: done; ${written}`);
  return "done";
}

async function stopped(progress: StudyProgress, study: Study, file: string): Promise<Outcome> {
  await study.report(file);
  progress.say(`${shownPath(study.options.output)}: stopped; the same command goes on`);
  return "interrupted";
}

interface Cell extends PreparedVariant {
  readonly seed: number;
}

/** Which cells a study has, and how long each is. */
class Study {
  readonly options: AblateOptions;
  readonly #found: readonly PreparedVariant[];
  readonly #dataset: Dataset;
  state: StudyState;

  constructor(options: AblateOptions, found: readonly PreparedVariant[], dataset: Dataset, state: StudyState) {
    this.options = options;
    this.#found = found;
    this.#dataset = dataset;
    this.state = state;
    for (const { about, prepared } of found)
      for (const seed of doneSeeds(options.output, about.name)) {
        const cell = readCell(options.output, { variant: about.name, seed });
        if (cell === undefined) continue;
        const own = sourceHash(prepared.training, prepared.stages);
        requireSameCell(options.output, cell, { sourceHash: own, dataHash: dataset.hash });
      }
  }

  /** All that are asked for, done or not: every variant of a seed before the next seed. */
  cells(): readonly Cell[] {
    const { seeds, only } = this.options;
    const asked = this.#found.filter(({ about }) => about.change === null || (only?.includes(about.name) ?? true));
    return Array.from({ length: seeds }, (_, seed) => asked.map((variant): Cell => ({ ...variant, seed }))).flat();
  }

  /** The baseline's first cell shows how many steps its minutes buy; every other takes as many. */
  lengthOf({ about, prepared, seed }: Cell): {
    readonly asked: { steps: number | null; minutes: number | null };
    readonly plans: readonly StagePlan[];
  } {
    const { steps } = this.state;
    const { minutes = null } = this.options;
    const plans = plansOf(prepared, steps, this.#found[0]?.prepared ?? prepared, this.options);
    if (minutes !== null && about.name === baselineName && seed === 0)
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
    }));
    if (variants[0]?.cells.length === 0) return "nothing is done yet";
    await writeReport(output, {
      file: shownPath(file),
      state: this.state,
      noises,
      variants: variants.filter(({ cells }) => cells.length > 0),
    });
    return `${shownPath(join(output, studyFiles.page))} is the report`;
  }
}

const unplanned = (plan: StagePlan): StagePlan => (plan.batch === 0 ? plan : { ...plan, steps: null });

/** As the baseline's; a stage that it lacks takes as large a part of what it declares as the baseline's stages do. */
function plansOf(
  { stages }: Prepared,
  steps: StudyState["steps"],
  baseline: Prepared,
  { batch, engine }: Pick<AblateOptions, "batch" | "engine">,
): readonly StagePlan[] {
  const declared = baseline.stages.reduce((sum, stage) => sum + (stage.kind === "loss" ? stage.steps : 0), 0);
  const given = Object.values(steps ?? {}).reduce((sum, count) => sum + count, 0);
  return stages.map((stage) => {
    const { name } = stage;
    if (stage.kind === "measure") return { name, batch: 0, parts: 0, steps: 0 };
    const own = batch ?? stage.batch;
    const count = steps?.[name] ?? Math.max(1, Math.round((stage.steps * given) / declared));
    return { name, batch: own, parts: engines[engine].partsOf(own), steps: count };
  });
}

function stepsOf({ stages }: Prepared, { steps }: AblateOptions): StudyState["steps"] {
  if (steps === undefined) return null;
  const losses = stages.flatMap((stage) => (stage.kind === "loss" ? [stage] : []));
  const shared = sharedSteps(
    steps,
    losses.map((stage) => stage.steps),
  );
  return Object.fromEntries(losses.map(({ name }, i) => [name, shared[i] ?? 1]));
}

function studyOf({ module }: Prepared, options: AblateOptions, dataset: Dataset): StudyIdentity {
  const { steps = null, minutes = null, batch = null, engine, clips, set = {} } = options;
  const { name: data, hash: dataHash } = dataset;
  return { model: module.name, preset: module.preset, settings: set, data, dataHash, steps, minutes, batch, engine, clips };
}

/** Throws MvcError `option-invalid`. */
function requireOptions(options: AblateOptions): void {
  requireLength(options);
  const refuse = (option: string, expected: string, found: unknown) =>
    mvcError("option-invalid", { option, expected, found: String(found) });
  if (options.steps === undefined && options.minutes === undefined)
    throw mvcError("option-invalid", {
      option: "--steps",
      expected: "given, or --minutes: all cells train as long",
      found: "neither",
      instead: "give one of the two",
    });
  for (const [option, count, most] of [
    ["--seeds", options.seeds, mostSeeds],
    ["--clips", options.clips, 100_000],
  ] as const)
    if (!(Number.isSafeInteger(count) && count >= 1 && count <= most)) throw refuse(option, `1 to ${most}`, count);
}

/** What is asked for, and what the folder holds already, which the report tells of too. */
function namesOf(output: string, { only = [] }: AblateOptions): readonly string[] {
  return [...only, ...cellVariants(output).filter((name) => name !== baselineName && !only.includes(name))];
}

/** Throws MvcError `not-trainable` where a variant makes clips of another size: they are not the same data. */
function requireSizes(found: readonly PreparedVariant[], { size }: Dataset): void {
  for (const { about, prepared } of found) {
    const { clip } = prepared.training;
    if (clip?.frames === size.frames && clip.height === size.height && clip.width === size.width) continue;
    throw mvcError("not-trainable", {
      reason: `${about.name} trains on clips of another size than the baseline, which are other data`,
      way: "leave it out by `--only`",
    });
  }
}

/** Weights, the optimizer's averages of them and what is shared, of each cell. Throws MvcError `disk-full`. */
async function requireDisk(output: string, found: readonly PreparedVariant[], cells: number): Promise<void> {
  const parameters = found.map(({ prepared }) =>
    [...prepared.training.weights.values()].reduce((sum, { type }) => sum + type.shape.reduce((a, b) => a * b, 1), 0),
  );
  const temporary = await claimTemporary(output);
  try {
    requireRoom(temporary.path, output, Math.max(...parameters) * Float32Array.BYTES_PER_ELEMENT * 6 * cells, 0);
  } finally {
    temporary.release();
  }
}

/** Captions of the data, evenly over it, none twice. */
async function promptsOf(dataset: Dataset): Promise<readonly string[]> {
  const prompts = new Set<string>();
  for (let i = 0; i < 16 && prompts.size < shownPrompts; i++)
    prompts.add((await dataset.clip(Math.floor((i * dataset.count) / 16))).caption);
  return [...prompts];
}

function summaryOf({ measured }: CellResult): string {
  const seen = measured.find(({ set }) => set === "seen")?.measures ?? [];
  const shown = seen.slice(0, 3).map(({ name, unit, values }) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return `${name} ${unit === "%" ? `${(100 * mean).toFixed(1)} %` : `${Number(mean.toPrecision(3))}${unit}`}`;
  });
  return shown.join(", ");
}

/** Says each text once: every cell would say it again. */
function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
}
