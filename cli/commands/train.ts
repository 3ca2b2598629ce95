/** `mvc train`: a model that declares its training, and a data set, to weights in a run's folder; stopped at any time, it goes on where it was. */

import { join } from "node:path";
import { mvcError, quoted } from "../../runtime/errors.ts";
import type { Dataset } from "../../training/dataset.ts";
import { type Checkpoint, readCheckpoint } from "../../training/node/checkpoint.ts";
import { runTraining } from "../../training/node/run.ts";
import { isRun, makeRunFolder, requireRunFolder, runFiles } from "../../training/node/run-folder.ts";
import { type RunState, requireAsked, requireSame, requireSameStages, type StagePlan } from "../../training/run-state.ts";
import { shownChoices } from "../choices.ts";
import type { DatasetOptions } from "../data/dataset-options.ts";
import { openDataset } from "../data/open-dataset.ts";
import { metadataOf } from "../made-for.ts";
import { printNotes } from "../notes.ts";
import { shownPath } from "../shown-path.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { torchFilesOf } from "../torch-files.ts";
import { engines } from "../train/engines.ts";
import { askedOf, dataOf, identityOf, type LengthOptions, plansOf, requireLength, secondsOf, worksOf } from "../train/plans.ts";
import { clipOf, type Prepared, prepare, startWeights, type TrainChoices } from "../train/prepare.ts";
import { TrainingProgress } from "../train/progress.ts";
import { requirePython } from "../train/python.ts";
import { Teller } from "../train/teller.ts";
import { tokensOf } from "../train/tokens.ts";
import { runTorch } from "../train/torch-run.ts";

export interface TrainOptions extends TrainChoices, LengthOptions, Omit<DatasetOptions, "clips" | "seed" | "combinations"> {
  readonly data: string;
  readonly recompute?: boolean;
  readonly resume?: boolean;
  /** Of `--engine torch`: what runs train.py. */
  readonly python?: string;
  readonly output: string;
}

export async function train(file: string, options: TrainOptions): Promise<Outcome> {
  requireLength(options);
  const { output, resume = false, engine } = options;
  if (engine === "torch") return trainByTorch(file, options);
  if (options.python !== undefined) throw refused("--python", "left out but with --engine torch", options.python);
  requireRunFolder(output, resume);
  const known = resume ? await readCheckpoint(join(output, runFiles.checkpoint)) : undefined;
  const prepared = prepare(file, options);
  if (prepared === undefined) return "mistake";
  const { partsOf, prepare: prepareEngine } = engines[engine];
  const plans = known === undefined ? plansOf(prepared, options, partsOf) : samePlans(known.run, prepared, options, partsOf);
  const works = () => worksOf(prepared, plans, known?.run.stage ?? 0, options.recompute ?? false);
  const openEngine = await prepareEngine(works);
  const listening = listeningOf();
  const { signal } = listening;
  const { training, stages, lossAt } = prepared;
  const tokens = tokensOf(prepared, listening.note);
  const dataset = await openData(prepared, options, listening);
  if (known !== undefined) requireSame(output, known.run.identity, dataOf(dataset));
  requireLabels(prepared, dataset);
  const from = known ?? (await begin(prepared, options, dataset, plans));
  makeRunFolder(output);
  const { asked, identity } = from.run;
  const teller = new Teller(output, prepared, dataset, signal);
  try {
    const ended = await runTraining({
      folder: output,
      training,
      stages,
      lossAt,
      dataset,
      tokens,
      openEngine,
      recompute: options.recompute ?? false,
      about: metadataOf({ ...identity, settings: options.set ?? {} }),
      from,
      seconds: secondsOf(prepared, asked),
      saveEvery: options.saveEvery ?? null,
      signal,
      listener: teller,
    });
    teller.ended(lastWords(file, options, ended));
    return ended;
  } finally {
    teller.stop();
  }
}

/** The run's own train.py, by the user's Python. */
async function trainByTorch(file: string, options: TrainOptions): Promise<Outcome> {
  const { output, resume = false, minutes, recompute } = options;
  const none = "left out with --engine torch";
  if (minutes !== undefined) throw refused("--minutes", none, String(minutes), "give --steps");
  if (recompute) throw refused("--recompute", none, "it");
  requireRunFolder(output, resume);
  const prepared = prepare(file, options);
  if (prepared === undefined) return "mistake";
  const unwritable = (why: string) => refused("--engine", `onnx or webgpu, as ${why}`, "torch");
  const emitted = torchFilesOf(file, prepared.program, { ...options, precision: "f32" }, unwritable);
  // What `prepare` has compiled has no errors.
  if (!emitted.ok) throw new Error(`train: ${emitted.diagnostics[0]?.message}`);
  const python = requirePython(options.python);
  const listening = listeningOf();
  const dataset = await openData(prepared, options, listening);
  requireLabels(prepared, dataset);
  const ended = await runTorch({ prepared, dataset, files: emitted.files, python, options, listening });
  process.stdout.write(`${lastWords(file, options, ended)}\n`);
  return ended;
}

function refused(option: string, expected: string, found: string, instead?: string): Error {
  return mvcError("option-invalid", { option, expected, found, ...(instead === undefined ? {} : { instead }) });
}

function listeningOf() {
  return { note: (text: string) => printNotes([text]), signal: interruptible() };
}

function openData(prepared: Prepared, options: TrainOptions, { note, signal }: ReturnType<typeof listeningOf>): Promise<Dataset> {
  const { fps, stride, windows, short, damaged, uncaptioned, cache } = options;
  const taken = { fps, stride, windows, short, damaged, uncaptioned, cache };
  const opening = new TrainingProgress();
  const progress = (task: string, done: number, total: number) => opening.other(task, done, total);
  return openDataset(options.data, clipOf(prepared), taken, { note, progress, signal }).finally(() => opening.stop());
}

/** What is done with the weights, or to go on. */
function lastWords(file: string, options: TrainOptions, ended: Outcome): string {
  const output = shownPath(options.output);
  const choices = shownChoices(file, { ...options, precision: "f32" });
  if (ended === "done") return `${output}: done; \`mvc build ${choices} --weights ${output} -o DIR\` makes a package of the weights`;
  return `${output}: stopped; the same command ${isRun(options.output) ? "with `--resume` goes on" : "begins again"}`;
}

async function begin(prepared: Prepared, options: TrainOptions, dataset: Dataset, stages: readonly StagePlan[]): Promise<Checkpoint> {
  const { weights, notes } = await startWeights(prepared, options);
  printNotes(notes);
  const identity = { ...identityOf(prepared, options), ...dataOf(dataset) };
  const run = { identity, asked: askedOf(options), stages, stage: 0, step: 0, seconds: 0 };
  return { run, weights, training: new Map() };
}

/** Throws MvcError `data-invalid` where a stage takes a label that the clips lack, or that has more classes than the stage says. */
function requireLabels({ stages }: Prepared, { name, labels = new Map() }: Dataset): void {
  for (const stage of stages) {
    for (const { source } of stage.kind === "loss" ? stage.inputs : []) {
      if (source.from !== "label") continue;
      const classes = labels.get(source.of);
      if (classes !== undefined && classes <= source.classes) continue;
      const known = labels.size === 0 ? "its clips have no labels" : `its clips have the labels ${quoted([...labels.keys()])}`;
      const [reason, way] =
        classes === undefined
          ? [
              `stage "${stage.name}" takes the label "${source.of}", and ${known}`,
              "give `moving-shapes`, or a file of clips with a tensor of that name, U8 [clips]",
            ]
          : [
              `its label "${source.of}" has ${classes} classes, and stage "${stage.name}" takes ${source.classes}`,
              `say \`classes: ${classes}\` there`,
            ];
      throw mvcError("data-invalid", { data: name, reason, way });
    }
  }
}

/** Of a run that goes on, once it is known to be the same but for its data. Throws MvcError `run-differs`. */
function samePlans(
  { identity, stages, asked }: RunState,
  prepared: Prepared,
  options: TrainOptions,
  partsOf: (batch: number) => number,
): readonly StagePlan[] {
  const { output } = options;
  requireSame(output, identity, identityOf(prepared, options));
  requireSameStages(output, stages, plansOf(prepared, options, partsOf));
  requireAsked(output, asked, askedOf(options));
  return stages;
}
