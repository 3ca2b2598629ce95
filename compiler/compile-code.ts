/** Program and choices to the model, and to how it is trained, as code: what targets that people read are written from. */

import { type Diagnostic, foundIn, type Program } from "../dsl/index.ts";
import { readModel } from "./compile.ts";
import { Unwritable } from "./expand/code/evidence.ts";
import { readCode, readLossCode } from "./expand/code/read-code.ts";
import { type Choices, type Configuration, configure } from "./expand/configure.ts";
import { declaredGraph, expandGraph, stagesOf } from "./expand/expand.ts";
import type { Attempt } from "./expand/failure.ts";
import { KnownCalls } from "./expand/known-calls.ts";
import { readStages } from "./expand/training/training.ts";
import type { ModelCode } from "./module/code.ts";
import type { TrainingCode } from "./module/training-code.ts";

/** `unwritable` says why a model that is right has no code. */
export type CodeResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[]; readonly unwritable?: string };

export function compileCode(program: Program, choices: Choices): CodeResult<ModelCode> {
  return underChoices(program, choices, readCode);
}

/** Undefined where the model is not trained. Training is in f32, whatever the build's precision. */
export function compileTrainingCode(program: Program, choices: Choices): CodeResult<TrainingCode | undefined> {
  return underChoices(program, { ...choices, precision: "f32" }, (configuration) =>
    stagesOf(configuration).length === 0 ? { ok: true, value: undefined } : readTraining(configuration),
  );
}

function readTraining(configuration: Configuration): Attempt<TrainingCode | undefined> {
  const model = readModel(configuration);
  if (!model.ok) return model;
  const calls = new KnownCalls();
  const read = readStages(model.value, {
    loss: (loss) => expandGraph(configuration, loss, calls),
    whole: (graph) => expandGraph(configuration, graph),
  });
  if (!read.ok) return read;
  const { stages, entries, clip } = read.value;
  const losses = new Set(stages.flatMap((stage) => (stage.kind === "loss" ? [stage.loss.name] : [])));
  if (stages.length === 0) return { ok: true, value: undefined };
  const code = readLossCode(
    configuration,
    [...losses].map((loss) => declaredGraph(configuration, loss)),
  );
  if (!code.ok) return code;
  const told = stages.map((stage) => ({ stage, entries: entries.get(stage.name) ?? [] }));
  return { ok: true, value: { ...code.value, stages: told, clip, sampler: model.value.recipe ?? null } };
}

function underChoices<T>(program: Program, choices: Choices, reading: (configuration: Configuration) => Attempt<T>): CodeResult<T> {
  const configured = configure(program, choices);
  try {
    const read = configured.ok ? reading(configured.value) : configured;
    return read.ok ? read : { ok: false, diagnostics: foundIn(read.diagnostics, choices) };
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error;
    return { ok: false, diagnostics: [], unwritable: error.message };
  }
}
