/** The folder of a run: where each of its files lies, what stands there before, and its metrics as lines that are added. */

import { accessSync, appendFileSync, constants, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { attempt, refused, requirePath } from "../../runtime/node/output-file.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { readSafetensors } from "../../runtime/node/safetensors-file.ts";
import { kindOf } from "../../runtime/node/system-errors.ts";
import { isTemporary } from "../../runtime/node/temporary.ts";
import { type Metric, metricLine, parseMetric } from "../metrics.ts";

/** The files of a run by their names in its folder. */
export const runFiles = {
  /** What `mvc build --weights` takes. */
  weights: "weights.safetensors",
  checkpoint: "checkpoint.safetensors",
  metrics: "metrics.jsonl",
  curves: "curves.svg",
  samples: "samples",
  cache: "cache",
} as const;

/** What lies there beside them of a run by `--engine torch`. */
export const torchFiles = {
  clips: "clips.safetensors",
  /** The weights that it began with. */
  start: "start.safetensors",
  /** What PyTorch said when it failed. */
  log: "torch.log",
  /** Why its numbers are not finite, in the words of its error, where that ended it. */
  failure: "failure.txt",
  code: ["model.py", "train.py", "trainer", "__pycache__"],
  /** What its checkpoints are called in themselves. */
  format: "mvc-torch-run",
} as const;

/** Whether a folder is that of a run. */
export const isRun = (folder: string): boolean => existsSync(join(folder, runFiles.checkpoint));

/**
 * Looks, before any work, whether a run may begin or go on there. A run that stands there is only gone on with.
 * @throws MvcError `run-exists`, `run-absent`, `output-refused`, `write-failed`, `option-invalid`
 */
export function requireRunFolder(folder: string, resume: boolean): void {
  requirePath(folder);
  const elsewhere = "give -o another folder";
  const found = attempt(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (found !== undefined && !found.isDirectory()) throw refused(folder, `it is ${kindOf(found)}, and a run is a folder`, elsewhere);
  attempt(folder, () => accessSync(standing(folder), constants.W_OK));
  if (resume && !isRun(folder)) throw mvcError("run-absent", { folder });
  if (resume || found === undefined) return;
  if (isRun(folder)) throw mvcError("run-exists", { folder });
  // What a run that was stopped before its first checkpoint has left is its own.
  const { clips, start, log, failure, code } = torchFiles;
  const own: readonly string[] = [...Object.values(runFiles), clips, start, log, failure, ...code];
  const foreign = attempt(folder, () => readdirSync(folder)).find((name) => !own.includes(name) && !isTemporary(name));
  if (foreign !== undefined) throw refused(folder, `the folder holds ${foreign} and no run`, elsewhere);
}

/** The folder, or the nearest one above it that is there. */
function standing(folder: string): string {
  const above = dirname(resolve(folder));
  return existsSync(folder) || above === resolve(folder) ? folder : standing(above);
}

/** Throws MvcError `write-failed`, `disk-full`. */
export function makeRunFolder(folder: string): void {
  for (const part of [runFiles.samples, runFiles.cache]) attempt(folder, () => mkdirSync(join(folder, part), { recursive: true }));
}

/** The metrics of a run, in its file and in memory. */
export class MetricsFile {
  readonly #file: string;
  readonly metrics: Metric[];

  private constructor(file: string, metrics: Metric[]) {
    this.#file = file;
    this.metrics = metrics;
  }

  /** Cut back to those that `isKept` keeps. Throws MvcError `disk-full`, `write-failed`, `file-…`. */
  static async open(folder: string, isKept: (metric: Metric) => boolean): Promise<MetricsFile> {
    const file = join(folder, runFiles.metrics);
    const lines = existsSync(file) ? readText(file, "the metrics", textLimits.graph).split("\n") : [];
    const metrics = lines.flatMap((line) => parseMetric(line) ?? []).filter(isKept);
    await writeAtomically(
      file,
      metrics.map((metric) => Buffer.from(metricLine(metric))),
    );
    return new MetricsFile(file, metrics);
  }

  /** Throws MvcError `disk-full`, `write-failed`. */
  add(metric: Metric): void {
    this.metrics.push(metric);
    attempt(this.#file, () => appendFileSync(this.#file, metricLine(metric)));
  }
}

/** By path, of a file of f32 weights as runs write them. Throws MvcError `file-…`, `weights-invalid`. */
export async function readRunWeights(file: string): Promise<Map<string, Float32Array>> {
  return new Map(Object.entries(await readSafetensors(file)).map(([path, { data }]) => [path, data as Float32Array]));
}
