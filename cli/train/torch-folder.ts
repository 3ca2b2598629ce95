/** Python files, weights and clips to the folder that a run by train.py begins in, and the comparing of what lies there with what would be written now. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32 } from "../../runtime/tensor.ts";
import type { Dataset } from "../../training/dataset.ts";
import { torchFiles } from "../../training/node/run-folder.ts";
import type { Settings } from "../choices.ts";
import { writeClips } from "../data/write-dataset.ts";
import { metadataOf } from "../made-for.ts";
import { captionsAsTokens } from "./captions-as-tokens.ts";
import type { Prepared } from "./prepare.ts";

/** By their paths in the folder. Throws MvcError `write-failed`, `disk-full`. */
export function writeCode(folder: string, files: ReadonlyMap<string, string>): void {
  attempt(folder, () => {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });
}

/** What it begins with, by weight path, f32. Throws MvcError `write-failed`, `disk-full`. */
export async function writeStart(
  folder: string,
  { module, training }: Prepared,
  weights: ReadonlyMap<string, Float32Array>,
  settings: Settings,
): Promise<void> {
  const { name: model, preset, ablations } = module;
  const shapeOf = (path: string) => training.weights.get(path)?.type.shape ?? [];
  const tensors = [...weights].map(([path, values]) => tensorSource(path, f32(shapeOf(path), values)));
  const metadata = metadataOf({ model, preset, ablations, settings: settings });
  await writeSafetensors(join(folder, torchFiles.start), tensors, { metadata });
}

/** Clips as train.py reads them, with their captions as the model's tokens. Throws MvcError as `writeClips` and `captionsAsTokens`. */
export async function writeTrainerClips(
  path: string,
  prepared: Prepared,
  dataset: Dataset,
  { note, signal }: { readonly note: (text: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  const tokens = captionsAsTokens(prepared, note);
  await writeClips(path, dataset, { signal }, (captions) => {
    const { tensors, metadata } = tokens(captions);
    return { tensors, metadata: { ...metadata, hash: dataset.hash } };
  });
}

/** Of the model and its training. Throws MvcError `run-differs`, `run-damaged`. */
export function requireSameCode(folder: string, files: ReadonlyMap<string, string>): void {
  for (const path of ["model.py", "train.py"]) {
    const file = join(folder, path);
    const started = existsSync(file) ? readText(file, "the run's code", textLimits.graph) : undefined;
    if (started === undefined) throw mvcError("run-damaged", { file, reason: "it is not there" });
    if (withoutAbout(started) !== withoutAbout(files.get(path) ?? ""))
      throw mvcError("run-differs", { folder, what: "the model and training of its", expected: path, found: "another" });
  }
}

/** Without the docstring, which says by which version it was written, and of which file. */
const withoutAbout = (text: string) => text.replace(/^"""[\s\S]*?"""/, "");
