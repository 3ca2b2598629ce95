/** `mvc train`: a model that declares its training, and a data set, to weights in a run's folder; stopped at any time, it goes on where it was. */

import { join } from "node:path";
import { mvcError, quoted } from "../../runtime/errors.ts";
import { type Checkpoint, readCheckpoint } from "../../training/node/checkpoint.ts";
import { runTraining } from "../../training/node/run.ts";
import { makeRunFolder, requireRunFolder, runFiles } from "../../training/node/run-folder.ts";
import { type RunState, requireAsked, requireSame, requireSameStages, type StagePlan } from "../../training/run-state.ts";
import { shownChoices } from "../choices.ts";
import type { DatasetOptions } from "../data/dataset-options.ts";
import { openDataset } from "../data/open-dataset.ts";
import { metadataOf } from "../made-for.ts";
import { printNotes } from "../notes.ts";
import { shownPath } from "../program.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { engines } from "../train/engines.ts";
import { askedOf, dataOf, identityOf, type LengthOptions, plansOf, requireLength, secondsOf, worksOf } from "../train/plans.ts";
import { type Prepared, prepare, startWeights, type TrainChoices } from "../train/prepare.ts";
import { TrainingProgress } from "../train/progress.ts";
import { Teller } from "../train/teller.ts";
import { tokenReader } from "../train/tokens.ts";

export interface TrainOptions extends TrainChoices, LengthOptions, Omit<DatasetOptions, "clips" | "seed" | "combinations"> {
  readonly data: string;
  readonly recompute?: boolean;
  readonly resume?: boolean;
  readonly output: string;
}

export async function train(file: string, options: TrainOptions): Promise<Outcome> {
  requireLength(options);
  const { output, resume = false } = options;
  requireRunFolder(output, resume);
  const known = resume ? await readCheckpoint(join(output, runFiles.checkpoint)) : undefined;
  const prepared = prepare(file, options);
  if (prepared === undefined) return "mistake";
  const plans = known === undefined ? plansOf(prepared, options) : samePlans(known.run, prepared, options);
  const works = () => worksOf(prepared, plans, known?.run.stage ?? 0, options.recompute ?? false);
  const openEngine = await engines[options.engine].prepare(works);
  const signal = interruptible();
  const note = (text: string) => printNotes([text]);
  const { training, stages, lossAt } = prepared;
  const tokens = tokensOf(prepared, note);
  if (training.clip === null)
    throw mvcError("not-trainable", { reason: "no stage of the training takes clips", way: 'give one an input `from: "clip"`' });
  const { fps, stride, windows, short, damaged, uncaptioned, cache } = options;
  const taken = { fps, stride, windows, short, damaged, uncaptioned, cache };
  const opening = new TrainingProgress();
  const progress = (task: string, done: number, total: number) => opening.other(task, done, total);
  const dataset = await openDataset(options.data, training.clip, taken, { note, progress, signal }).finally(() => opening.stop());
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
    const choices = shownChoices(file, { ...options, precision: "f32" });
    const weights = `\`mvc build ${choices} --weights ${shownPath(output)} -o DIR\` makes a package of the weights`;
    teller.ended(
      ended === "done"
        ? `${shownPath(output)}: done; ${weights}`
        : `${shownPath(output)}: stopped; the same command with \`--resume\` goes on`,
    );
    return ended;
  } finally {
    teller.stop();
  }
}

type Data = Awaited<ReturnType<typeof openDataset>>;

async function begin(prepared: Prepared, options: TrainOptions, dataset: Data, stages: readonly StagePlan[]): Promise<Checkpoint> {
  const { weights, notes } = await startWeights(prepared, options);
  printNotes(notes);
  const identity = { ...identityOf(prepared, options), ...dataOf(dataset) };
  const run = { identity, asked: askedOf(options), stages, stage: 0, step: 0, seconds: 0 };
  return { run, weights, training: new Map() };
}

/** Throws MvcError `data-invalid` where a stage takes a label that the clips lack, or that has more classes than the stage says. */
function requireLabels({ stages }: Prepared, { name, labels = new Map() }: Data): void {
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
function samePlans({ identity, stages, asked }: RunState, prepared: Prepared, options: TrainOptions): readonly StagePlan[] {
  const { output } = options;
  requireSame(output, identity, identityOf(prepared, options));
  requireSameStages(output, stages, plansOf(prepared, options));
  requireAsked(output, asked, askedOf(options));
  return stages;
}

export function tokensOf({ training: { tokenizer, stages }, tokenizer: file }: Prepared, note: (text: string) => void) {
  const reads = stages.some((stage) => stage.kind === "loss" && stage.inputs.some(({ source }) => source.from === "text"));
  if (reads && tokenizer !== null && file !== undefined) return tokenReader(tokenizer, file, note);
  return (): Int32Array => {
    if (!reads) throw new Error("train: tokens of a training without text");
    throw mvcError("not-trainable", {
      reason: "a stage takes captions, but the model names no tokenizer",
      way: "declare `tokenizer { file: …, pad: … }`",
    });
  };
}
