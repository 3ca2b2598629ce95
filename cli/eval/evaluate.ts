/** A package and a data set to what every measure says of the package's clips, set by set: the one place where clips of prompts are sampled to be measured. */

import { quoted } from "../../runtime/errors.ts";
import {
  type Backend,
  createPipeline,
  loadPipeline,
  mvcError,
  openPackage,
  type Pipeline,
  packageFolder,
  type SampleOptions,
} from "../../runtime/index.ts";
import type { Measure, Measured } from "../../study/measure.ts";
import type { ClipSize } from "../../training/dataset.ts";
import type { Listening } from "../data/dataset-options.ts";
import { clipsAt, sampledClips } from "./clips.ts";
import { type EvaluatedModel, modelOf } from "./evaluated-model.ts";
import { judgedSize } from "./judges.ts";
import { isLabelled, judged } from "./labels.ts";
import { accuracies, measuresOf } from "./measures.ts";
import { observeAll } from "./observer.ts";
import { parallelRunner } from "./parallel-runner.ts";
import { RealClips } from "./real-clips.ts";
import { reconstructionOf } from "./reconstructed.ts";
import type { AskedSet, SetOptions } from "./sets.ts";

export interface EvaluateOptions extends SetOptions {
  /** Clips of each prompt, each from noise of its own. */
  readonly seeds: number;
  /** Clips of prompts are not sampled. */
  readonly reconstructionAlone?: boolean;
  readonly backend: Backend;
  /** Of ONNX Runtime. Where nothing is said and the backend is `onnx`, clips are made beside each other, on a thread each. */
  readonly threads?: number;
  /** What is not said of the sampler is the package's own. */
  readonly sampling?: Omit<SampleOptions, "onProgress" | "onLatents" | "signal">;
  readonly listening?: Listening;
  /** What several models are held against, which whoever gives it disposes of; of one model by itself its own. */
  readonly realClips?: (size: ClipSize, listening: Listening) => Promise<RealClips>;
}

/**
 * Values are in the order of the prompts, seed after seed: the same prompts and noises for every package whose clips are of the same size. Where
 * the data have no labels, or the model takes no text, what needs them is left out, which `listening.note` hears of. The same options give the same figures.
 * @throws MvcError as `loadPipeline`, `openDataset` and `sampleAll`; `not-evaluable` of a model without pictures, or that takes more than a text, or where nothing is left to measure
 */
export async function evaluate(folder: string, options: EvaluateOptions): Promise<readonly Measured[]> {
  requireCounts(options);
  const { listening = {} } = options;
  const { pipeline, ahead } = await openedFor(folder, options);
  try {
    const model = modelOf(pipeline, ahead);
    if (options.reconstructionAlone && model.reconstruct === undefined) throw nothingLeft();
    const { realClips } = options;
    const real = await (realClips?.(model.size, listening) ?? RealClips.open(options, model.size, listening));
    try {
      say(options, model, real.sets);
      const parts: Measured[] = [];
      for (const set of real.sets) parts.push(...(await measured(set, { model, real, options })));
      return parts;
    } finally {
      if (realClips === undefined) await real.dispose();
    }
  } finally {
    await pipeline.dispose();
  }
}

async function openedFor(
  folder: string,
  { backend, threads, listening: { signal } = {} }: EvaluateOptions,
): Promise<{ readonly pipeline: Pipeline; readonly ahead: number }> {
  if (backend === "onnx" && threads === undefined) {
    const pack = await openPackage(packageFolder(folder));
    const runner = await parallelRunner(pack, folder);
    return { pipeline: createPipeline(pack, runner), ahead: runner.atOnce };
  }
  const options = { backend, ...(signal === undefined ? {} : { signal }), ...(threads === undefined ? {} : { threads }) };
  return { pipeline: await loadPipeline(folder, options), ahead: 0 };
}

interface Evaluation {
  readonly model: EvaluatedModel;
  readonly real: RealClips;
  readonly options: EvaluateOptions;
}

/** What a set says of the model; of the first one also of the real clips, and of its clips beside the captions of others. */
async function measured(set: AskedSet, { model, real, options }: Evaluation): Promise<readonly Measured[]> {
  const { seeds, sampling = {}, listening = {} } = options;
  const { name } = set;
  if (options.reconstructionAlone) return [{ set: name, measures: await reconstructed(set, model, listening) }];
  const found = await observeAll(sampledClips(set, model, { seeds, sampling, listening }), real.judges);
  const { seen, wanted } = await real.of(set, listening);
  // Captions that the model was not told cannot be what it shows.
  const shown = {
    set: name,
    measures: [...measuresOf(found, wanted, { ofCaptions: model.takesText }), ...(await reconstructed(set, model, listening))],
  };
  if (set !== real.sets[0]) return [shown];
  const ceiling: Measured = { set: "real", measures: measuresOf(seen, wanted, { ofCaptions: true }) };
  if (wanted === undefined || !model.takesText) return [shown, ceiling];
  return [shown, ceiling, { set: "shuffled", measures: accuracies(found, wanted.labels, "others") }];
}

async function reconstructed({ name, dataset, real }: AskedSet, model: EvaluatedModel, listening: Listening): Promise<readonly Measure[]> {
  if (model.reconstruct === undefined) return [];
  return reconstructionOf(clipsAt(dataset, real, `reconstructing, ${name}`, listening), model.reconstruct, model.ahead);
}

const nothingLeft = () =>
  mvcError("not-evaluable", {
    reason: "no clips are sampled, and no graph makes latents of pictures, so that there is no reconstruction either",
    way: "train what clips are sampled by, or name a graph by `latents` of the sampler",
  });

/** What is left out, and what is resized. */
function say(
  { data, reconstructionAlone, listening = {} }: EvaluateOptions,
  { size, takesText, reconstruct }: EvaluatedModel,
  sets: readonly AskedSet[],
): void {
  const { note } = listening;
  if (reconstructionAlone) return;
  const { frames, height, width } = judgedSize;
  const isJudged = sets.every(({ dataset }) => isLabelled(dataset));
  if (!isJudged)
    note?.(
      `${data} has no labels ${quoted(judged)} of moving-shapes: accuracies, what is tracked, colours and the Fréchet distance are left out`,
    );
  else {
    if (!takesText) note?.("the model takes no text: whether it shows what captions say is left out");
    if (sets.some(({ reference }) => reference === undefined))
      note?.(`${data} has no other clips of the same kind to compare features with: the Fréchet distance is left out`);
    if (size.frames !== frames || size.height !== height || size.width !== width)
      note?.(
        `the judges look at ${frames} frames of ${width}x${height}: clips of ${size.frames} frames of ${size.width}x${size.height} are cut about the middle and resized for them`,
      );
  }
  if (reconstruct === undefined) note?.("the package has no graph that makes latents of pictures: reconstruction is left out");
}

/** Clips at most, which take days. */
const most = 1_000_000;

function requireCounts({ clips, seeds }: EvaluateOptions): void {
  for (const [option, count] of Object.entries({ "--clips": clips, "--seeds": seeds }))
    if (!(Number.isSafeInteger(count) && count >= 1 && count <= most))
      throw mvcError("option-invalid", { option, expected: `1 to ${most}`, found: String(count) });
}
