/** A program and choices to the files of PyTorch: the model, and where the source says how it is trained, that and the trainer. */

import { basename } from "node:path";
import { type CodeResult, compileCode, compileTrainingCode } from "../compiler/compile-code.ts";
import type { TrainingCode } from "../compiler/module/training-code.ts";
import { emitTorch } from "../compiler/targets/torch/emit.ts";
import { emitTraining } from "../compiler/targets/torch/emit-training.ts";
import { trainerFiles } from "../compiler/targets/torch/trainer.ts";
import type { Diagnostic, Program } from "../dsl/index.ts";
import { type ChoiceOptions, choicesOf } from "./choices.ts";
import { version } from "./version.ts";

export type TorchFiles =
  | { readonly ok: true; readonly files: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** How long a stage is, in the place of what the source declares. */
export interface StageLength {
  readonly name: string;
  readonly batch: number;
  readonly steps: number;
}

/** By their paths in the folder. `unwritable` makes the error of a model that no code can be written of. */
export function torchFilesOf(
  file: string,
  program: Program,
  options: ChoiceOptions,
  unwritable: (why: string) => Error,
  lengths: readonly StageLength[] = [],
): TorchFiles {
  const read = <T>(code: CodeResult<T>) => {
    if (code.ok || code.unwritable === undefined) return code;
    throw unwritable(code.unwritable);
  };
  const model = read(compileCode(program, choicesOf(options)));
  if (!model.ok) return model;
  const training = read(compileTrainingCode(program, choicesOf(options)));
  if (!training.ok) return training;
  const files = new Map([["model.py", emitTorch(model.value, version, basename(file))]]);
  if (training.value === undefined) return { ok: true, files };
  files.set("train.py", emitTraining(asLong(training.value, lengths), version, basename(file)));
  return { ok: true, files: new Map([...files, ...trainerFiles]) };
}

function asLong({ stages, ...code }: TrainingCode, lengths: readonly StageLength[]): TrainingCode {
  const told = stages.map(({ stage, entries }) => {
    const length = lengths.find(({ name }) => name === stage.name);
    if (stage.kind !== "loss" || length === undefined) return { stage, entries };
    return { stage: { ...stage, batch: length.batch, steps: length.steps }, entries };
  });
  return { ...code, stages: told };
}
