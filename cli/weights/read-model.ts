/** The file of a model and the choices of a command to its weights, and the layouts that they may come in. */

import { weighModel } from "../../compiler/compile.ts";
import type { Module } from "../../compiler/module/module.ts";
import { layOutWeights } from "../../compiler/package/weights.ts";
import type { Program } from "../../dsl/index.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { printDiagnostics, soundProgram } from "../program.ts";
import { unoptimised } from "../unoptimised.ts";
import type { Weights } from "./match.ts";

/** What weights need to know of a model. */
export interface ReadModel {
  readonly program: Program;
  readonly module: Pick<Module, "name" | "preset" | "ablations" | "precision" | "layouts">;
  readonly weights: Weights;
}

/** Undefined where the model is wrong, and its errors are printed. */
export function readModel(file: string, options: Omit<ChoiceOptions, "precision">): ReadModel | undefined {
  return unoptimised(() => read(file, options));
}

function read(file: string, options: Omit<ChoiceOptions, "precision">): ReadModel | undefined {
  const sound = soundProgram(file);
  if (sound === undefined) return undefined;
  const choices = choicesOf({ ...options, precision: "f32" });
  const weighed = weighModel(sound.program, choices);
  if (!weighed.ok) {
    printDiagnostics(weighed.diagnostics, sound.texts);
    return undefined;
  }
  const { name, graphs, layouts } = weighed.value;
  const { preset = null, ablations = [], precision } = choices;
  const { weights } = layOutWeights(graphs.values());
  return { program: sound.program, module: { name, preset, ablations, precision, layouts }, weights };
}
