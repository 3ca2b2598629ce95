/** The options that say where a model's weights come from, shared by `build` and `import`, to the weights and what is said of them. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { refuseToReplace } from "../../runtime/node/output-file.ts";
import { isRun, runFiles } from "../../training/node/run-folder.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { fittingOptions } from "../fitting-choices.ts";
import { differenceOf, type MadeFor, madeForOf, metadataOf } from "../made-for.ts";
import { manifestOf } from "../package-place.ts";
import { shownPath } from "../shown-path.ts";
import { initialWeights, type WeightSource } from "./initial.ts";
import { withLora } from "./lora.ts";
import { own } from "./match.ts";
import type { ReadModel } from "./read-model.ts";
import { type TakenWeights, takeWeights } from "./taken.ts";

export interface LoraOption {
  readonly file: string;
  readonly strength: number;
}

export interface WeightOptions extends Omit<ChoiceOptions, "precision"> {
  /** One after another; a weight that several hold is the last one's. */
  readonly weights?: readonly string[];
  readonly layout?: string;
  readonly ema?: boolean;
  readonly lora?: readonly LoraOption[];
  readonly init?: number;
}

/** Throws MvcError `option-invalid` where an option speaks of a checkpoint and none is given. */
export function requireWeights({ weights, layout, ema, lora = [] }: WeightOptions): void {
  if (weights !== undefined) return;
  const without = layout !== undefined ? "--layout" : ema ? "--ema" : lora.length > 0 ? "--lora" : undefined;
  if (without !== undefined) throw mvcError("option-invalid", { option: without, expected: "given with --weights", found: "no --weights" });
}

/** The files that the options name, opened before any work. */
export interface OpenWeights {
  readonly trained: readonly Checkpoint[];
  readonly loras: readonly { readonly checkpoint: Checkpoint; readonly strength: number }[];
  close(): void;
}

/** Whoever opens them closes them. Throws MvcError as `openCheckpoint`. */
export async function openWeights({ weights = [], ema = false, lora = [] }: WeightOptions): Promise<OpenWeights> {
  const opened: Checkpoint[] = [];
  const close = () => {
    for (const one of opened) one.close();
  };
  const open = async (path: string, averages = false) => {
    const checkpoint = await openCheckpoint(weightsAt(path), { ema: averages });
    opened.push(checkpoint);
    return checkpoint;
  };
  try {
    const trained = [];
    for (const [at, path] of weights.entries()) trained.push(await open(path, ema && at === 0));
    const loras = [];
    for (const { file, strength } of lora) loras.push({ checkpoint: await open(file), strength });
    return { trained, loras, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

/** Throws MvcError `output-refused` where what is written would replace what is read. */
export function requireOther({ trained, loras }: OpenWeights, output: string): void {
  const all = [...trained, ...loras.map(({ checkpoint }) => checkpoint)];
  refuseToReplace(
    output,
    all.flatMap(({ files }) => files),
  );
}

/** A package of ours and a run of training stand for their weights. */
function weightsAt(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder && (isRun(path) || typeof manifestOf(path) !== "string") ? join(path, runFiles.weights) : path;
}

export interface ModelWeights {
  readonly source: WeightSource;
  /** What the file of the weights says of itself. */
  readonly about: { readonly [key: string]: string };
  readonly notes: readonly string[];
  /** How checkpoints were read; undefined of random weights. */
  readonly taken: TakenWeights | undefined;
}

/** Undefined where no option speaks of weights. Throws MvcError as `takeWeights` and `withLora`. */
export function modelWeights(
  { trained, loras }: OpenWeights,
  { program, module, weights }: ReadModel,
  options: WeightOptions,
): ModelWeights | undefined {
  const { name: model, preset, ablations, layouts } = module;
  const built: MadeFor = { model, preset, ablations, settings: options.set ?? {} };
  const { layout, init } = options;
  const [first, ...others] = trained.map((checkpoint) => ({ checkpoint, shown: shownPath(checkpoint.path) }));
  if (first === undefined) {
    return init === undefined ? undefined : { source: initialWeights(init), about: metadataOf(built), notes: [], taken: undefined };
  }
  const fitting = ({ tensors }: Checkpoint) => fittingOptions(program, choicesOf({ ...options, precision: module.precision }), tensors);
  const taken = takeWeights([first, ...others], weights, { model, layouts, layout, init, fitting });
  let { source } = taken;
  const notes = [...taken.madeNotes, ...taken.notes];
  for (const lora of loras) {
    const merged = withLora(source, lora, weights, layouts, shownPath(lora.checkpoint.path));
    source = merged.source;
    notes.push(...merged.notes);
  }
  const { about, difference } = aboutOf(taken, built);
  return { source, about, notes: [...notes, ...difference], taken };
}

/** What is made is where training of this configuration starts, as is what others trained; else weights stay what they were made for. */
function aboutOf({ taken, made }: TakenWeights, built: MadeFor) {
  const [{ checkpoint, match }, ...others] = taken;
  const said = others.length === 0 ? madeForOf(checkpoint.metadata) : undefined;
  if (said !== undefined && made.length === 0) {
    const difference = differenceOf(said, built);
    return { about: metadataOf(said), difference: difference === undefined ? [] : [difference] };
  }
  const ofUnknown = made.length === 0 && others.length === 0 && match.layout.name === own;
  return { about: ofUnknown ? {} : metadataOf(built), difference: [] };
}
