/** A run's train.py to its end, by the user's own Python beside this process: its lines and its steps as they come. */

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { type Metric, parseMetric } from "../../training/metrics.ts";
import { runFiles, torchFiles } from "../../training/node/run-folder.ts";
import { lastLine } from "./python.ts";

export interface TrainerRun {
  /** The command of a Python that has PyTorch. */
  readonly python: string;
  /** Of the run: train.py lies there, and all that it writes. */
  readonly folder: string;
  /** train.py's options, but for the folder. */
  readonly words: readonly string[];
  /** The last step of the moment. */
  readonly step: (metric: Metric) => void;
  readonly said: (line: string) => void;
  readonly signal: AbortSignal;
}

/** How often the run's metrics are looked at, in milliseconds. */
const pause = 200;

/** Throws MvcError `torch-failed`. */
export async function runTrainer({ python, folder, words, step, said, signal }: TrainerRun): Promise<"done" | "interrupted"> {
  // In a group of its own: a terminal's Ctrl-C would reach it twice, and twice ends it at once.
  const all = [join(folder, "train.py"), "-o", folder, ...words];
  const child = spawn(python, all, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const stop = () => child.kill("SIGTERM");
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  const metrics = new MetricsTail(join(folder, runFiles.metrics));
  const steady = setInterval(() => {
    for (const metric of metrics.fresh().slice(-1)) step(metric);
  }, pause);
  let begun = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    begun += chunk;
    const lines = begun.split("\n");
    begun = lines.pop() ?? "";
    // Its last words are the command's, which knows what to do next.
    for (const line of lines) if (!line.startsWith(`${folder}: `)) said(line);
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  try {
    const code = await new Promise<number | null>((done, fail) => {
      child.on("error", fail);
      child.on("close", done);
    });
    if (code === 0) return "done";
    // Killed: asked to stop while PyTorch was loading.
    if (code === 130 || (signal.aborted && code === null)) return "interrupted";
    const log = join(folder, torchFiles.log);
    await writeAtomically(log, [Buffer.from(errors)]);
    const [, reason] = /^error: (.*)$/m.exec(errors) ?? [];
    throw mvcError("torch-failed", { reason: reason ?? (lastLine(errors) || `it ended with ${code ?? "a signal"}`), log });
  } finally {
    clearInterval(steady);
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
