/** A package and a data set to what every measure says of the package's clips, set by set: the one place where clips of prompts are sampled to be measured. */

import { quoted } from "../../runtime/errors.ts";
import { type Backend, loadPipeline, mvcError, type SampleOptions } from "../../runtime/index.ts";
import { gaussianOf } from "../../study/frechet.ts";
import type { Measured } from "../../study/measure.ts";
import type { DatasetOptions, Listening } from "../data/dataset-options.ts";
import { clipsAt, sampledClips } from "./clips.ts";
import { type EvaluatedModel, modelOf } from "./evaluated-model.ts";
import { type Judges, judgedSize, openJudges } from "./judges.ts";
import { isLabelled, judged, labelsOf } from "./labels.ts";
import { accuracies, measuresOf, type Observed, paceOf, type Wanted } from "./measures.ts";
import { observeAll, resized } from "./observer.ts";
import { reconstructionOf } from "./reconstructed.ts";
import { type AskedSet, openSets } from "./sets.ts";

export interface EvaluateOptions extends Omit<DatasetOptions, "clips" | "seed" | "combinations"> {
  /** As `mvc train` takes it. */
  readonly data: string;
  /** Prompts of each set, evenly over the data. */
  readonly clips: number;
  /** Clips of each prompt, each from noise of its own. */
  readonly seeds: number;
  readonly backend: Backend;
  readonly threads?: number;
  /** What is not said of the sampler is the package's own. */
  readonly sampling?: Omit<SampleOptions, "onProgress" | "onLatents" | "signal">;
  readonly listening?: Listening;
}

/**
 * Values are in the order of the prompts, seed after seed: the same prompts and noises for every package whose clips are of the same size. Where
 * the data have no labels, or the model takes no text, what needs them is left out, which `listening.note` hears of. The same options give the same figures.
 * @throws MvcError as `loadPipeline`, `openDataset` and `sampleAll`; `not-evaluable` of a model without pictures, or that takes more than a text
 */
export async function evaluate(folder: string, options: EvaluateOptions): Promise<readonly Measured[]> {
  requireCounts(options);
  const { listening = {}, backend, threads } = options;
  const { signal } = listening;
  const pipeline = await loadPipeline(folder, {
    backend,
    ...(signal === undefined ? {} : { signal }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const model = modelOf(pipeline);
    const sets = await openSets(options, model);
    const judges = sets.every(({ dataset }) => isLabelled(dataset)) ? await openJudges() : undefined;
    say(options, model, sets);
    try {
      const parts: Measured[] = [];
      for (const set of sets) parts.push(...(await measured(set, set === sets[0], { model, judges, options })));
      return parts;
    } finally {
      await judges?.dispose();
    }
  } finally {
    await pipeline.dispose();
  }
}

interface Evaluation {
  readonly model: EvaluatedModel;
  readonly judges: Judges | undefined;
  readonly options: EvaluateOptions;
}

/** What a set says of the model; of the first one also of the real clips, and of its clips beside the captions of others. */
async function measured(set: AskedSet, isFirst: boolean, { model, judges, options }: Evaluation): Promise<readonly Measured[]> {
  const { seeds, sampling = {}, listening = {} } = options;
  const { name, dataset, real } = set;
  const found = await observeAll(sampledClips(set, model, { seeds, sampling, listening }), judges);
  const seenInReal = await observeAll(clipsAt(dataset, real, `looking at real clips, ${name}`, listening), judges);
  const wanted = judges && (await wantedOf(set, seenInReal, judges, listening));
  const reconstructed =
    model.reconstruct === undefined
      ? []
      : await reconstructionOf(clipsAt(dataset, real, `reconstructing, ${name}`, listening), model.reconstruct);
  // Captions that the model was not told cannot be what it shows.
  const shown = { set: name, measures: [...measuresOf(found, wanted, { ofCaptions: model.takesText }), ...reconstructed] };
  if (!isFirst) return [shown];
  const ceiling: Measured = { set: "real", measures: measuresOf(seenInReal, wanted, { ofCaptions: true }) };
  if (wanted === undefined || !model.takesText) return [shown, ceiling];
  return [shown, ceiling, { set: "shuffled", measures: accuracies(found, wanted.labels, "others") }];
}

/** What the clips of a set are held against. */
async function wantedOf(set: AskedSet, seenInReal: readonly Observed[], judges: Judges, listening: Listening): Promise<Wanted> {
  const { name, dataset, real, reference } = set;
  const features: Float32Array[] = [];
  if (reference !== undefined) {
    const all = Array.from({ length: reference.count }, (_, i) => i);
    for await (const clip of clipsAt(reference, all, `looking at more real clips, ${name}`, listening))
      features.push(await judges.features(await resized(clip, judgedSize)));
  }
  return {
    labels: await labelsOf(dataset, real),
    pace: paceOf(seenInReal),
    features: features.length < 2 ? undefined : gaussianOf(features),
  };
}

/** What is left out, and what is resized. */
function say({ data, listening = {} }: EvaluateOptions, { size, takesText, reconstruct }: EvaluatedModel, sets: readonly AskedSet[]): void {
  const { note } = listening;
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
