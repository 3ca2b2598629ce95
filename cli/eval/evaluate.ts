/** A package and a data set to what every measure says of the package's clips, set by set: the one place where clips of prompts are sampled to be measured. */

import { type Backend, loadPipeline, mvcError, type SampleOptions } from "../../runtime/index.ts";
import { flickerOf } from "../../study/flicker.ts";
import type { Measured } from "../../study/measure.ts";
import type { Pixels } from "../../study/pixels.ts";
import type { DatasetOptions, Listening } from "../data/dataset-options.ts";
import { clipsAt, sampledClips } from "./clips.ts";
import { type EvaluatedModel, modelOf } from "./evaluated-model.ts";
import { measuresOf, type Observed } from "./measures.ts";
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
    const all: Measured[] = [];
    for (const set of sets) {
      const { seeds, sampling = {} } = options;
      const found = await observed(sampledClips(set, model, { seeds, sampling, listening }));
      all.push({ set: set.name, measures: [...measuresOf(found, undefined), ...(await reconstruction(set, model, listening))] });
    }
    const [first] = sets;
    if (first !== undefined) {
      const found = await observed(clipsAt(first.dataset, first.real, "looking at real clips", listening));
      all.push({ set: "real", measures: measuresOf(found, undefined) });
    }
    return all;
  } finally {
    await pipeline.dispose();
  }
}

async function observed(clips: AsyncIterable<Pixels>): Promise<readonly Observed[]> {
  const found: Observed[] = [];
  for await (const clip of clips) found.push({ flicker: flickerOf(clip) });
  return found;
}

/** Nothing of a model that makes no latents of pictures. */
async function reconstruction({ name, dataset, real }: AskedSet, { reconstruct }: EvaluatedModel, listening: Listening) {
  if (reconstruct === undefined) return [];
  return reconstructionOf(clipsAt(dataset, real, `reconstructing ${name}`, listening), reconstruct);
}

/** Samples at most, which is days of work. */
const most = 1_000_000;

function requireCounts({ clips, seeds }: EvaluateOptions): void {
  for (const [option, count] of Object.entries({ "--clips": clips, "--seeds": seeds }))
    if (!(Number.isSafeInteger(count) && count >= 1 && count <= most))
      throw mvcError("option-invalid", { option, expected: `1 to ${most}`, found: String(count) });
}
