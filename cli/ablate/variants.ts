/** A model's file and the options of `mvc ablate` to the baseline and each variant, everything read, compiled and counted before the work. */

import type { Module } from "../../compiler/module/module.ts";
import { mvcError, quoted } from "../../runtime/errors.ts";
import { isPictures } from "../../runtime/roles.ts";
import { baselineName, type Costs, type Variant } from "../../study/variant.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { type Side, sideOf } from "../report/side.ts";
import { trainingCost } from "../report/training.ts";
import { type Prepared, prepare } from "../train/prepare.ts";
import { showsIn } from "../train/sample-sheet.ts";
import { ablationsOf, changeOf } from "./change.ts";

export interface VariantOptions extends Pick<ChoiceOptions, "model" | "preset" | "set"> {
  readonly only?: readonly string[];
  /** Stages that are trained, of those that a variant has. */
  readonly stage?: readonly string[];
}

/** What is trained, and what the report says of it. */
export interface PreparedVariant {
  readonly about: Variant;
  readonly prepared: Prepared;
}

/** How deep parts of graphs are told apart by path, to be small and yet of the places that an ablation changes. */
const depth = 4;

/**
 * The baseline first, then the ablations that are asked for in the order of the source. Undefined where the model is wrong, and its errors are printed.
 * @throws MvcError `option-invalid`, `not-trainable`
 */
export function variantsOf(file: string, { only, ...options }: VariantOptions): readonly PreparedVariant[] | undefined {
  const read = (ablation: readonly string[], foreign: readonly string[]) => prepare(file, { ...options, ablation, foreign, seed: 0 });
  const prepared = read([], []);
  if (prepared === undefined) return undefined;
  const stages = prepared.stages.map((stage) => stage.name);
  const { program, module } = prepared;
  requireClips(prepared);
  const declared = ablationsOf(program, module.name);
  const names = declared.map(({ name }) => name.name);
  if (names.length === 0)
    throw mvcError("not-trainable", {
      reason: `${file} declares no ablation of ${module.name}`,
      way: `declare one: \`ablation Name of ${module.name} { setting: value }\``,
    });
  const strange = only?.find((name) => !names.includes(name));
  if (strange !== undefined)
    throw mvcError("option-invalid", { option: "--only", expected: `ablations that the model declares, ${quoted(names)}`, found: strange });
  const baseline = {
    about: { name: baselineName, doc: null, change: null, costs: costsOf(prepared, sideFor(prepared, options, [])) },
    prepared,
  };
  const all: PreparedVariant[] = [baseline];
  const plain = sideFor(prepared, options, []);
  for (const ablation of declared) {
    const { name, doc = null } = ablation;
    if (only?.includes(name.name) === false) continue;
    const own = read([name.name], stages);
    if (own === undefined) return undefined;
    if (own.stages.length === 0)
      throw mvcError("not-trainable", { reason: `${name.name} has no stage ${quoted(stages)}`, way: "leave it out by `--only`" });
    requireClips(own);
    const side = sideFor(own, options, [name.name]);
    all.push({ about: { name: name.name, doc, change: changeOf(ablation, plain, side), costs: costsOf(own, side) }, prepared: own });
  }
  return all;
}

function sideFor({ program }: Prepared, options: Omit<VariantOptions, "only" | "stage">, ablation: readonly string[]): Side {
  const found = sideOf(program, choicesOf({ ...options, ablation, precision: "f32" }), depth);
  if (!found.ok) throw new Error(`ablate: ${found.diagnostics[0]?.message}`);
  return found.side;
}

/** Throws MvcError `not-trainable` where there is nothing to train, or no clips that could be looked at. */
function requireClips({ module, training }: Prepared): void {
  if (!makesPictures(module))
    throw mvcError("not-trainable", {
      reason: "the model samples no pictures, and an ablation is judged by its clips",
      way: "name the graph that makes them by `frames` of its sampler",
    });
  if (training.clip === null)
    throw mvcError("not-trainable", { reason: "no stage of the training takes clips", way: 'give one an input `from: "clip"`' });
}

/** By a graph of its own, or because its latents are pictures. */
function makesPictures({ sampler, graphs }: Module): boolean {
  if (sampler === null || sampler.frames !== null) return sampler !== null;
  const looped = graphs.get(sampler.step)?.values ?? [];
  return looped.some((value) => value.kind === "input" && value.name === sampler.latent && isPictures(value.type.shape));
}

function costsOf({ module, training, stages }: Prepared, { clip }: Side): Costs {
  const shown = stages.findLast((stage) => stage.kind === "loss" && showsIn(module, new Set(stage.trained.map(({ path }) => path))));
  const step = trainingCost(training).stages.find((stage) => stage.kind === "loss" && stage.name === shown?.name);
  return {
    parameters: clip?.parameters ?? 0,
    clipFlops: clip?.flops ?? 0,
    clipBytes: clip?.activationBytes ?? 0,
    stepFlops: step?.kind === "loss" ? step.flops : null,
    stepBytes: step?.kind === "loss" ? step.activationBytes : null,
  };
}
