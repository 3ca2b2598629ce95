/** A run by `--engine torch`: the model and its training as Python in the run's folder, the clips and weights beside them, and the user's own Python that trains. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { readSafetensors, readSafetensorsHeader, tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32 } from "../../runtime/tensor.ts";
import { curves } from "../../training/curves.ts";
import type { Dataset } from "../../training/dataset.ts";
import { type Metric, parseMetric } from "../../training/metrics.ts";
import { MetricsFile, makeRunFolder, runFiles, torchFiles } from "../../training/node/run-folder.ts";
import { writeClips } from "../data/write-dataset.ts";
import { metadataOf } from "../made-for.ts";
import { printNotes } from "../notes.ts";
import type { Outcome } from "../terminal.ts";
import { captionsAsTokens } from "./captions-as-tokens.ts";
import { type LengthOptions, plansOf } from "./plans.ts";
import { type Prepared, startWeights, type TrainChoices } from "./prepare.ts";
import { TrainingProgress } from "./progress.ts";
import { lastLine } from "./python.ts";
import { Teller } from "./teller.ts";

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
    writeTexts(output, files);
    const types = prepared.training.weights;
    const tensors = [...weights].map(([path, values]) => tensorSource(path, f32(types.get(path)?.type.shape ?? [], values)));
    await writeSafetensors(join(output, torchFiles.start), tensors, { metadata: aboutOf(job) });
    const tokens = captionsAsTokens(prepared, listening.note);
    const beside = (captions: readonly string[]) => {
      const { tensors: tables, metadata } = tokens(captions);
      return { tensors: tables, metadata: { ...metadata, hash: dataset.hash } };
    };
    await writeClips(join(output, torchFiles.clips), dataset, { signal: listening.signal }, beside);
  }
  const code = await follow(job);
  const { metrics } = await MetricsFile.open(output, () => true);
  if (metrics.length > 1) await writeAtomically(join(output, runFiles.curves), [Buffer.from(curves(metrics))]);
  if (code !== 0) return "interrupted";
  const last = prepared.stages.findLast((stage) => stage.kind === "loss");
  if (last !== undefined)
    await new Teller(output, prepared, dataset, listening.signal).sample(last, metrics.at(-1)?.step ?? 0, await given(output));
  return "done";
}

function aboutOf({ prepared: { module }, options: { set: settings = {} } }: TorchJob): { readonly [key: string]: string } {
  const { name: model, preset, ablations } = module;
  return metadataOf({ model, preset, ablations, settings });
}

function writeTexts(output: string, files: ReadonlyMap<string, string>): void {
  attempt(output, () => {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(output, path)), { recursive: true });
      writeFileSync(join(output, path), text);
    }
  });
}

/** Of the model, its training and the clips; what else a run goes on with train.py compares. */
async function requireSameRun({ files, dataset, options: { output } }: TorchJob): Promise<void> {
  const differs = (what: string, expected: string, found: string) => mvcError("run-differs", { folder: output, what, expected, found });
  const { metadata } = await readSafetensorsHeader(join(output, runFiles.checkpoint));
  if (metadata.get("format") !== torchFiles.format) throw differs("the engine", "onnx or webgpu", "torch");
  for (const path of ["model.py", "train.py"]) {
    const file = join(output, path);
    const started = existsSync(file) ? readText(file, "the run's code", textLimits.graph) : undefined;
    if (started === undefined) throw mvcError("run-damaged", { file, reason: "it is not there" });
    if (withoutAbout(started) !== withoutAbout(files.get(path) ?? "")) throw differs("the model and training of its", path, "another");
  }
  const clips = join(output, torchFiles.clips);
  if (!existsSync(clips)) throw mvcError("run-damaged", { file: clips, reason: "it is not there" });
  const hash = (await readSafetensorsHeader(clips)).metadata.get("hash") ?? "";
  if (hash !== dataset.hash) throw differs("other clips of its data, by their hash", hash.slice(0, 12), dataset.hash.slice(0, 12));
}

/** Without the docstring, which says by which version it was written, and of which file. */
const withoutAbout = (text: string) => text.replace(/^"""[\s\S]*?"""/, "");

/** By stage; a run that goes on has those that it began with. */
async function plannedSteps({ prepared, options }: TorchJob): Promise<ReadonlyMap<string, number | null>> {
  const plans = options.resume
    ? JSON.parse((await readSafetensorsHeader(join(options.output, runFiles.checkpoint))).metadata.get("run") ?? "{}").stages
    : plansOf(prepared, options, () => 1);
  return new Map((plans as readonly { readonly name: string; readonly steps?: number }[]).map(({ name, steps }) => [name, steps ?? null]));
}

/** How often the run's metrics are looked at, in milliseconds. */
const pause = 200;

/** The exit code, 0 or 130: its lines as they come, and its steps as a line of progress. Throws MvcError `torch-failed`. */
async function follow(job: TorchJob): Promise<number> {
  const { python, options } = job;
  const { signal } = job.listening;
  const { output, stage, batch, steps, seed, saveEvery, resume } = options;
  const file = (name: string) => join(output, name);
  const given = (name: string, value: string | number | undefined) => (value === undefined ? [] : [name, String(value)]);
  const words = [
    ...[file("train.py"), "--data", file(torchFiles.clips), "--weights", file(torchFiles.start), "-o", output, "--seed", String(seed)],
    ...(stage ?? []).flatMap((name) => ["--stage", name]),
    ...[...given("--batch", batch), ...given("--steps", steps), ...given("--save-every", saveEvery)],
    ...(resume ? ["--resume"] : []),
  ];
  // In a group of its own: a terminal's Ctrl-C would reach it twice, and twice ends it at once.
  const child = spawn(python, words, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const stop = () => child.kill("SIGTERM");
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  const progress = new TrainingProgress();
  const metrics = new MetricsTail(file(runFiles.metrics));
  const planned = await plannedSteps(job);
  const steady = setInterval(() => {
    for (const { stage: name, step, losses, learningRate } of metrics.fresh().slice(-1))
      progress.step({ stage: name, step, steps: planned.get(name) ?? null, loss: Object.values(losses)[0] ?? Number.NaN, learningRate });
  }, pause);
  let said = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
    const lines = said.split("\n");
    said = lines.pop() ?? "";
    progress.pause();
    // Its last words are the command's, which knows what to do next.
    for (const line of lines) if (!line.startsWith(`${output}: `)) process.stdout.write(`${line}\n`);
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  try {
    const code = await new Promise<number | null>((done, fail) => {
      child.on("error", fail);
      child.on("close", done);
    });
    if (code === 0 || code === 130) return code;
    // Asked to stop while PyTorch was loading.
    if (signal.aborted && code === null) return 130;
    const log = file(torchFiles.log);
    await writeAtomically(log, [Buffer.from(errors)]);
    const [, reason] = /^error: (.*)$/m.exec(errors) ?? [];
    throw mvcError("torch-failed", { reason: reason ?? (lastLine(errors) || `it ended with ${code ?? "a signal"}`), log });
  } finally {
    clearInterval(steady);
    progress.stop();
    process.off("exit", end);
    signal.removeEventListener("abort", stop);
  }
}

/** The lines that were added to a run's metrics since they were looked at. */
class MetricsTail {
  readonly #file: string;
  #read = 0;

  constructor(file: string) {
    this.#file = file;
  }

  fresh(): readonly Metric[] {
    if (!existsSync(this.#file)) return [];
    const text = readFileSync(this.#file, "utf8");
    const end = text.lastIndexOf("\n") + 1;
    // A run that goes on has them cut back first.
    const lines = text.slice(Math.min(this.#read, end), end).split("\n");
    this.#read = end;
    return lines.flatMap((line) => parseMetric(line) ?? []);
  }
}

async function given(output: string): Promise<ReadonlyMap<string, Float32Array>> {
  const weights = Object.entries(await readSafetensors(join(output, runFiles.weights)));
  return new Map(weights.map(([path, { data }]) => [path, data as Float32Array]));
}
