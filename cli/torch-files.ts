/** A program and choices to the files of PyTorch: the model, and where the source says how it is trained, that and the trainer. */

import { basename } from "node:path";
import { type CodeResult, compileCode, compileTrainingCode } from "../compiler/compile-code.ts";
import { emitTorch } from "../compiler/targets/torch/emit.ts";
import { emitTraining } from "../compiler/targets/torch/emit-training.ts";
import { trainerFiles } from "../compiler/targets/torch/trainer.ts";
import type { Diagnostic, Program } from "../dsl/index.ts";
import { type ChoiceOptions, choicesOf } from "./choices.ts";
import { version } from "./version.ts";

export type TorchFiles =
  | { readonly ok: true; readonly files: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** By their paths in the folder. `unwritable` makes the error of a model that no code can be written of. */
export function torchFilesOf(file: string, program: Program, options: ChoiceOptions, unwritable: (why: string) => Error): TorchFiles {
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
  files.set("train.py", emitTraining(training.value, version, basename(file)));
  return { ok: true, files: new Map([...files, ...trainerFiles]) };
}
