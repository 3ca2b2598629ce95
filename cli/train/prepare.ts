/** A model's file and the options of `mvc train` to what a run needs, everything read and checked before the work. */

import { createHash } from "node:crypto";
import { dependenceAlong } from "../../compiler/analysis/dependence.ts";
import { compile } from "../../compiler/compile.ts";
import { compileTraining } from "../../compiler/compile-training.ts";
import type { Module } from "../../compiler/module/module.ts";
import type { LossStage, Training, TrainingStage } from "../../compiler/module/training.ts";
import { layOutWeights } from "../../compiler/package/weights.ts";
import { foundIn, type Program } from "../../dsl/index.ts";
import { mvcError, quoted } from "../../runtime/errors.ts";
import type { ClipSize } from "../../training/dataset.ts";
import { shownGraph } from "../../training/node/sources.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { printDiagnostics, soundProgram } from "../program.ts";
import { TokenizerCheck } from "../tokenizer-check.ts";
import type { TokenizerFile } from "../tokenizer-file.ts";
import { modelWeights, openWeights } from "../weights/model-weights.ts";
import { allFloats } from "../weights/streams.ts";

export interface TrainChoices extends Omit<ChoiceOptions, "precision"> {
  readonly stage?: readonly string[];
  /** Names that `stage` may give though the model has no such stage. */
  readonly foreign?: readonly string[];
  readonly weights?: readonly string[];
  readonly seed: number;
}

export interface Prepared {
  readonly program: Program;
  readonly module: Module;
  readonly training: Training;
  /** Those that are run. */
  readonly stages: readonly TrainingStage[];
  readonly tokenizer: TokenizerFile | undefined;
  readonly lossAt: (stage: string, batch: number) => LossStage;
}

/** Undefined where the model is wrong, and its errors are printed. Throws MvcError `option-invalid`. */
export function prepare(file: string, options: TrainChoices): Prepared | undefined {
  const sound = soundProgram(file);
  if (sound === undefined) return undefined;
  const { program, texts } = sound;
  const choices = choicesOf({ ...options, precision: "f32" });
  const training = compileTraining(program, choices);
  if (!training.ok) {
    printDiagnostics(training.diagnostics, texts);
    return undefined;
  }
  const stages = chosenStages(training.value.stages, options);
  requireWholeFrames(training.value, stages);
  const compiled = compile(program, choices);
  if (!compiled.ok) {
    printDiagnostics(compiled.diagnostics, texts);
    return undefined;
  }
  const { module } = compiled;
  const { tokenizer } = training.value;
  const tokenizers = new TokenizerCheck(file);
  const mismatches = tokenizer === null ? [] : tokenizers.errorsOf(tokenizer);
  if (mismatches.length > 0) {
    printDiagnostics(foundIn(mismatches, module), texts);
    return undefined;
  }
  const atBatch = new Map<number, Training>();
  const lossAt = (name: string, batch: number): LossStage => {
    const own = stages.find((one) => one.name === name);
    if (own?.kind === "loss" && own.batch === batch) return own;
    const known = atBatch.get(batch) ?? compiledAt(batch);
    atBatch.set(batch, known);
    const stage = known.stages.find((one) => one.name === name);
    if (stage?.kind !== "loss") throw new Error(`train: there is no stage ${name}`);
    return stage;
  };
  const compiledAt = (batch: number): Training => {
    const made = compileTraining(program, choices, batch);
    if (!made.ok) throw new Error(`train: ${made.diagnostics[0]?.message}`);
    return made.value;
  };
  return {
    program,
    module,
    training: training.value,
    stages,
    tokenizer: tokenizer === null ? undefined : tokenizers.fileOf(tokenizer),
    lossAt,
  };
}

/** What a clip must be. Throws MvcError `not-trainable`. */
export function clipOf({ training: { clip } }: Prepared): ClipSize {
  if (clip !== null) return clip;
  throw mvcError("not-trainable", { reason: "no stage of the training takes clips", way: 'give one an input `from: "clip"`' });
}

function chosenStages(
  all: readonly TrainingStage[],
  { stage: names, foreign = [] }: Pick<TrainChoices, "stage" | "foreign">,
): readonly TrainingStage[] {
  const known = all.map(({ name }) => name);
  if (known.length === 0) {
    const way = "declare a stage by `train name { loss: … }` (docs/training.md)";
    throw mvcError("not-trainable", { reason: "the model declares no stage of training", way });
  }
  const strange = names?.find((name) => !known.includes(name) && !foreign.includes(name));
  if (strange !== undefined)
    throw mvcError("option-invalid", { option: "--stage", expected: `a stage that the model declares, ${quoted(known)}`, found: strange });
  return all.filter(({ name }) => names?.includes(name) ?? true);
}

/** A frame of a clip is cut out of what an encoder has made of the whole clip. Throws MvcError `not-trainable`. */
function requireWholeFrames({ encoders }: Training, stages: readonly TrainingStage[]): void {
  for (const stage of stages) {
    if (stage.kind !== "loss") continue;
    for (const { name, source } of stage.inputs) {
      if (!("encoder" in source) || source.encoder === null || (source.from === "clip" && stage.stills === 0)) continue;
      const encoder = encoders.get(source.encoder);
      const input = encoder?.values.find((value) => value.kind === "input");
      if (encoder === undefined || input === undefined || input.type.shape.length < 5) continue;
      if (dependenceAlong(encoder, input.name, 1) === "independent") continue;
      throw mvcError("not-trainable", {
        reason: `stage "${stage.name}" takes single frames for \`${name}\`, but \`${source.encoder}\` makes each of several frames`,
        way: source.from === "clip" ? "train it without `stills`" : 'take whole clips, `from: "clip"`, or an encoder of pictures',
      });
    }
  }
}

/** Of all that a run computes, wherever it stands in the source: of its stages less their batches and steps, and of the encoders. */
export function sourceHash({ encoders, sampler }: Training, stages: readonly TrainingStage[]): string {
  const shown = stages.map(({ span, ...stage }) =>
    stage.kind === "loss" ? { ...stage, loss: shownGraph(stage.loss), batch: 0, steps: 0 } : stage,
  );
  const all = [shown, [...encoders].map(([name, graph]) => [name, shownGraph(graph)]), sampler];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}

export interface StartWeights {
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly about: { readonly [key: string]: string };
  readonly notes: readonly string[];
}

/** All that training reads, by path. */
export const weightsOf = ({ weights }: Training) =>
  layOutWeights([{ name: "training", values: [...weights.values()], outputs: [] }]).weights;

/** What training starts from: the checkpoints, and random numbers for what they lack. Throws MvcError as `openWeights` and `modelWeights`. */
export async function startWeights({ program, module, training }: Prepared, options: TrainChoices): Promise<StartWeights> {
  const weights = weightsOf(training);
  const given = { ...options, init: options.seed };
  const opened = await openWeights(given);
  try {
    const found = modelWeights(opened, { program, module, weights }, given);
    if (found === undefined) throw new Error("train: no weights to start from");
    // What weights were made for matters to who samples by them: here they are trained.
    const { source, about, taken } = found;
    const { madeNotes = [], notes = [] } = taken ?? {};
    return {
      weights: new Map([...weights].map(([path, weight]) => [path, allFloats(source.of(weight))])),
      about,
      notes: [...madeNotes, ...notes],
    };
  } finally {
    opened.close();
  }
}
