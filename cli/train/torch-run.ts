/** A run by `--engine torch`: the model and its training as Python in the run's folder, the clips and weights beside them, and the user's own Python that trains. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { readSafetensorsHeader } from "../../runtime/node/safetensors-file.ts";
import { curves } from "../../training/curves.ts";
import type { Dataset } from "../../training/dataset.ts";
import { MetricsFile, makeRunFolder, readRunWeights, runFiles, torchFiles } from "../../training/node/run-folder.ts";
import { printNotes } from "../notes.ts";
import type { Outcome } from "../terminal.ts";
import { type LengthOptions, plansOf } from "./plans.ts";
import { type Prepared, startWeights, type TrainChoices } from "./prepare.ts";
import { TrainingProgress } from "./progress.ts";
import { Teller } from "./teller.ts";
import { requireSameCode, writeCode, writeStart, writeTrainerClips } from "./torch-folder.ts";
import { runTrainer } from "./torch-trainer.ts";

export interface TorchJob {
  readonly prepared: Prepared;
  readonly dataset: Dataset;
  /** The Python files by their paths, as `torchFilesOf` gives them. */
  readonly files: ReadonlyMap<string, string>;
  /** The command of a Python that has PyTorch. */
  readonly python: string;
  readonly options: TrainChoices & LengthOptions & { readonly resume?: boolean; readonly output: string };
  readonly listening: { readonly note: (text: string) => void; readonly signal: AbortSignal };
}

/**
 * Trains by the run's own train.py, whose checkpoints are that file's.
 * @throws MvcError `run-differs`, `run-damaged`, `torch-failed`, `disk-full`, `write-failed`; as `startWeights` and `writeClips`
 */
export async function runTorch(job: TorchJob): Promise<Outcome> {
  const { options, files, prepared, dataset, listening } = job;
  const { output, resume = false } = options;
  if (resume) await requireSameRun(job);
  else {
    const { weights, notes } = await startWeights(prepared, options);
    printNotes(notes);
    makeRunFolder(output);
    writeCode(output, files);
    await writeStart(output, prepared, weights, options.set ?? {});
    await writeTrainerClips(join(output, torchFiles.clips), prepared, dataset, listening);
  }
  const ended = await follow(job);
  const { metrics } = await MetricsFile.open(output, () => true);
  if (metrics.length > 1) await writeAtomically(join(output, runFiles.curves), [Buffer.from(curves(metrics))]);
  if (ended !== "done") return ended;
  const last = prepared.stages.findLast((stage) => stage.kind === "loss");
  if (last !== undefined)
    await new Teller(output, prepared, dataset, listening.signal).sample(
      last,
      metrics.at(-1)?.step ?? 0,
      await readRunWeights(join(output, runFiles.weights)),
    );
  return "done";
}

/** Of the model, its training and the clips; what else a run goes on with train.py compares. */
async function requireSameRun({ files, dataset, options: { output } }: TorchJob): Promise<void> {
  const differs = (what: string, expected: string, found: string) => mvcError("run-differs", { folder: output, what, expected, found });
  const { metadata } = await readSafetensorsHeader(join(output, runFiles.checkpoint));
  if (metadata.get("format") !== torchFiles.format) throw differs("the engine", "onnx or webgpu", "torch");
  requireSameCode(output, files);
  const clips = join(output, torchFiles.clips);
  if (!existsSync(clips)) throw mvcError("run-damaged", { file: clips, reason: "it is not there" });
  const hash = (await readSafetensorsHeader(clips)).metadata.get("hash") ?? "";
  if (hash !== dataset.hash) throw differs("other clips of its data, by their hash", hash.slice(0, 12), dataset.hash.slice(0, 12));
}

/** By stage; a run that goes on has those that it began with. */
async function plannedSteps({ prepared, options }: TorchJob): Promise<ReadonlyMap<string, number | null>> {
  const plans = options.resume
    ? JSON.parse((await readSafetensorsHeader(join(options.output, runFiles.checkpoint))).metadata.get("run") ?? "{}").stages
    : plansOf(prepared, options, () => 1);
  return new Map((plans as readonly { readonly name: string; readonly steps?: number }[]).map(({ name, steps }) => [name, steps ?? null]));
}

/** Its lines as they come, and its steps as a line of progress. Throws MvcError `torch-failed`. */
async function follow(job: TorchJob): Promise<Outcome> {
  const { python, options, listening } = job;
  const { output, stage, batch, steps, seed, saveEvery, resume } = options;
  const given = (name: string, value: string | number | undefined) => (value === undefined ? [] : [name, String(value)]);
  const words = [
    ...["--data", join(output, torchFiles.clips), "--weights", join(output, torchFiles.start), "--seed", String(seed)],
    ...(stage ?? []).flatMap((name) => ["--stage", name]),
    ...[...given("--batch", batch), ...given("--steps", steps), ...given("--save-every", saveEvery)],
    ...(resume ? ["--resume"] : []),
  ];
  const progress = new TrainingProgress();
  const planned = await plannedSteps(job);
  try {
    return await runTrainer({
      ...{ python, folder: output, words, signal: listening.signal },
      step: ({ stage: name, step, losses, learningRate }) =>
        progress.step({ stage: name, step, steps: planned.get(name) ?? null, loss: Object.values(losses)[0] ?? Number.NaN, learningRate }),
      said: (line) => {
        progress.pause();
        process.stdout.write(`${line}\n`);
      },
    });
  } finally {
    progress.stop();
  }
}
