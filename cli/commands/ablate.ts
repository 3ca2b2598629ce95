/** `mvc ablate`: a model's baseline and its ablations, trained from the same seeds, data and steps, to a report of what each is better at; stopped at any time, it goes on where it was. */

import { MvcError, mvcError } from "../../runtime/errors.ts";
import { requireRoom } from "../../runtime/node/output-file.ts";
import { claimTemporary } from "../../runtime/node/temporary.ts";
import type { CellResult } from "../../study/cell.ts";
import { nameOf } from "../../study/state.ts";
import { baselineName } from "../../study/variant.ts";
import { shownValue } from "../../study/words.ts";
import type { Dataset } from "../../training/dataset.ts";
import { runCell } from "../ablate/cell.ts";
import type { MeasuredCell } from "../ablate/cell-result.ts";
import { failedBefore, failureOf, isOver, readFailure, saveFailure } from "../ablate/failed-cell.ts";
import type { LauncherName } from "../ablate/launch/launch.ts";
import { Measurer } from "../ablate/measurer.ts";
import { startOf } from "../ablate/start.ts";
import { cellsOf, plansOf, Study, type StudyOptions } from "../ablate/study.ts";
import { cellVariants, makeStudyFolder, openStudyFolder, readCell, saveCell, saveStudy } from "../ablate/study-folder.ts";
import { StudyProgress } from "../ablate/study-progress.ts";
import { TorchStudy } from "../ablate/torch-study.ts";
import { type PreparedVariant, type VariantOptions, variantsOf } from "../ablate/variants.ts";
import type { DatasetOptions } from "../data/dataset-options.ts";
import { openDataset } from "../data/open-dataset.ts";
import { printNotes } from "../notes.ts";
import { timeText } from "../progress.ts";
import { shownPath } from "../shown-path.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { engines } from "../train/engines.ts";
import { requireLength, worksOf } from "../train/plans.ts";
import { requirePython } from "../train/python.ts";
import { tokensOf } from "../train/tokens.ts";

export interface AblateOptions extends StudyOptions, VariantOptions, Omit<DatasetOptions, "clips" | "seed" | "combinations"> {
  readonly data: string;
  /** What all cells start from, as of `mvc train`; what the files lack is random by the seed. */
  readonly weights?: readonly string[];
  /** Of `--engine torch`: what trains the cells elsewhere, or the command of the Python that trains them here. */
  readonly launch?: LauncherName;
  readonly python?: string;
}

const mostSeeds = 100;
/** Prompts whose clips are shown. */
const shownPrompts = 2;

export async function ablate(file: string, options: AblateOptions): Promise<Outcome> {
  requireOptions(options);
  const { output } = options;
  openStudyFolder(output);
  const found = variantsOf(file, { ...options, ...(options.only && { only: namesOf(output, options) }) });
  if (found === undefined) return "mistake";
  const signal = interruptible();
  const note = once((text) => printNotes([text]));
  const [baseline] = found;
  const size = baseline?.prepared.training.clip;
  if (baseline === undefined || size === null || size === undefined) throw new Error("ablate: no baseline that takes clips");
  const works = () => found.flatMap(({ prepared }) => worksOf(prepared, plansOf(prepared, null, baseline.prepared, options), 0, false));
  const { engine, launch } = options;
  const own = engine === "torch" ? undefined : { engine, openEngine: await engines[engine].prepare(works) };
  const isLeft = cellsOf(found, options).some(({ about, seed }) => !isOver(output, { variant: about.name, seed }));
  const by = launch === undefined ? () => ({ python: isLeft ? requirePython(options.python) : null }) : () => ({ launch });
  const trainer = own === undefined ? by() : undefined;
  const { weights = [], set = {} } = options;
  const start = await startOf(found, weights, set);
  for (const text of start.notes) note(text);
  const { fps, stride, windows, short, damaged, uncaptioned, cache } = options;
  const films = { fps, stride, windows, short, damaged, uncaptioned, cache };
  const dataset = await openDataset(options.data, size, films, { note, signal });
  requireSizes(found, dataset);
  const study = new Study(options, found, dataset, start);
  const cells = study.cells();
  const torch = trainer && new TorchStudy({ ...options, file, by: trainer, note, signal }, study, dataset);
  await makeStudyFolder(output);
  await requireDisk(output, found, cells.length);
  await saveStudy(output, study.state);
  const progress = new StudyProgress(cells.length);
  const measurer = new Measurer(
    { ...films, data: options.data, clips: options.clips, reconstructionAlone: start.reconstructionAlone },
    note,
  );
  try {
    await torch?.prepare();
    const prompts = await promptsOf(dataset);
    for (const [at, cell] of cells.entries()) {
      const { prepared, seed } = cell;
      const id = { variant: cell.about.name, seed };
      const known = readCell(output, id);
      if (known !== undefined) {
        await study.learn(known);
        continue;
      }
      const failed = readFailure(output, id);
      if (failed !== undefined) {
        progress.say(failedBefore(output, failed));
        continue;
      }
      if (torch?.isLeft(cell)) continue;
      progress.cell(at, nameOf(id));
      const measured: MeasuredCell = {
        ...id,
        prepared,
        dataset,
        prompts,
        evaluate: (folder, listening) => measurer.measure(folder, listening),
        progress,
        signal,
      };
      const running =
        own === undefined
          ? torch?.run(cell, measured)
          : runCell({
              ...measured,
              ...own,
              folder: output,
              tokens: tokensOf(prepared, note),
              note,
              ...study.lengthOf(cell),
              set,
              weights,
              isWanted: study.wanted(cells.slice(at + 1)),
            });
      const result = await running?.catch((thrown: unknown) => failureOf(thrown, id));
      if (result === undefined) return await stopped(progress, study, file);
      if (result.format === "mvc-cell-failure") {
        await saveFailure(output, result);
        progress.say(`${nameOf(id)}: failed: ${result.reason}`);
        continue;
      }
      await saveCell(output, result);
      await study.learn(result);
      progress.done(`${summaryOf(result)}, ${timeText(result.seconds)} of training`);
    }
  } catch (thrown) {
    if (thrown instanceof MvcError && thrown.code === "aborted") return await stopped(progress, study, file);
    throw thrown;
  } finally {
    progress.stop();
    await measurer.dispose();
  }
  const written = await study.report(file);
  const left = torch?.lastWords();
  progress.say(left === undefined ? `${shownPath(output)}: done; ${written}` : `${left}\n${shownPath(output)}: ${written}`);
  return "done";
}

async function stopped(progress: StudyProgress, study: Study, file: string): Promise<Outcome> {
  await study.report(file);
  progress.say(`${shownPath(study.options.output)}: stopped; the same command goes on`);
  return "interrupted";
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
  requireTorch(options);
  for (const [option, count, most] of [
    ["--seeds", options.seeds, mostSeeds],
    ["--clips", options.clips, 100_000],
  ] as const)
    if (!(Number.isSafeInteger(count) && count >= 1 && count <= most)) throw refuse(option, `1 to ${most}`, count);
}

/** Throws MvcError `option-invalid`. */
function requireTorch({ engine, launch, python, minutes }: AblateOptions): void {
  const refuse = (option: string, expected: string, found: string, instead?: string) =>
    mvcError("option-invalid", { option, expected, found, ...(instead === undefined ? {} : { instead }) });
  const alone = "left out but with --engine torch";
  if (engine !== "torch" && launch !== undefined) throw refuse("--launch", alone, launch, "add --engine torch");
  if (engine !== "torch" && python !== undefined) throw refuse("--python", alone, python);
  if (engine === "torch" && minutes !== undefined)
    throw refuse("--minutes", "left out with --engine torch", String(minutes), "give --steps");
  if (launch !== undefined && python !== undefined)
    throw refuse("--python", "left out with --launch, whose machines have their own", python);
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
    return `${name} ${shownValue(mean, unit)}`;
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
