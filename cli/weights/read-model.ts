/** The file of a model and the choices of a command to its weights. */

import { compile } from "../../compiler/compile.ts";
import type { Module } from "../../compiler/module/module.ts";
import { layOutWeights } from "../../compiler/package/weights.ts";
import type { Program } from "../../dsl/index.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { printDiagnostics, soundProgram } from "../program.ts";
import type { Weights } from "./match.ts";

export interface ReadModel {
  readonly program: Program;
  readonly module: Module;
  readonly weights: Weights;
}

/** Undefined where the model is wrong, and its errors are printed. */
export function readModel(file: string, options: Omit<ChoiceOptions, "precision">): ReadModel | undefined {
  const sound = soundProgram(file);
  if (sound === undefined) return undefined;
  const result = compile(sound.program, choicesOf({ ...options, precision: "f32" }));
  if (!result.ok) {
    printDiagnostics(result.diagnostics, sound.texts);
    return undefined;
  }
  const { module } = result;
  const { weights } = layOutWeights(module.graphs.values());
  return { program: sound.program, module, weights };
}
