/** A set of prompts to clips, one after the other: those that a model samples of its captions, the real ones, and those that features are compared with. */

import { throwIfAborted } from "../../runtime/errors.ts";
import type { ClipRequest, SampleOptions } from "../../runtime/index.ts";
import type { Pixels } from "../../study/pixels.ts";
import type { Dataset } from "../../training/dataset.ts";
import type { Listening } from "../data/dataset-options.ts";
import type { EvaluatedModel } from "./evaluated-model.ts";
import { inOrder } from "./in-order.ts";
import type { AskedSet } from "./sets.ts";

/** Between the noises of two seeds, as in golden/reference: prompt i of seed s starts from the noise of s * 100,000 + i. */
export const noiseStride = 100_000;

/** In the order of the prompts, seed after seed. Throws MvcError as `sampleAll`, `aborted`. */
export async function* sampledClips(
  { name, real, dataset }: AskedSet,
  { batch, ahead, takesText, sample }: EvaluatedModel,
  { seeds, sampling, listening = {} }: { readonly seeds: number; readonly sampling: SampleOptions; readonly listening?: Listening },
): AsyncGenerator<Pixels> {
  const { progress, signal, note } = listening;
  const total = real.length * seeds;
  const cut = new Set<string>();
  const options: SampleOptions = {
    longPrompt: "truncate",
    ...sampling,
    ...(signal === undefined ? {} : { signal }),
    onTruncated: ({ prompt, tokens, limit }) => {
      if (cut.size === 0) note?.(`captions of more than ${limit} tokens lose their end, such as ${JSON.stringify(prompt)} of ${tokens}`);
      cut.add(prompt);
    },
  };
  const requestsAt = async (at: number): Promise<readonly ClipRequest[]> => {
    const requests: ClipRequest[] = [];
    for (let i = at; i < Math.min(at + batch, total); i++) {
      const [seed, prompt] = [Math.floor(i / real.length), i % real.length];
      const { caption } = await dataset.clip(real[prompt] ?? 0);
      requests.push({ ...(takesText ? { prompt: caption } : {}), seed: seed * noiseStride + prompt });
    }
    return requests;
  };
  const starts = Array.from({ length: Math.ceil(total / batch) }, (_, i) => i * batch);
  let done = 0;
  const batches = inOrder(starts, ahead, async (at) => {
    progress?.(`sampling ${name}`, done, total);
    return sample(await requestsAt(at), options);
  });
  for await (const clips of batches) {
    done += clips.length;
    yield* clips;
  }
  progress?.(`sampling ${name}`, total, total);
}

/** The clips of a data set at these places. Throws MvcError as `Dataset.clip`, `aborted`. */
export async function* clipsAt(
  dataset: Dataset,
  places: readonly number[],
  task: string,
  { progress, signal }: Listening,
): AsyncGenerator<Pixels> {
  for (const [i, place] of places.entries()) {
    throwIfAborted(signal, task);
    progress?.(task, i, places.length);
    const { pixels } = await dataset.clip(place);
    yield { ...dataset.size, pixels };
    // Clips that are made on the spot never wait, and Ctrl-C must be heard.
    if (i % 16 === 15) await new Promise(setImmediate);
  }
  progress?.(task, places.length, places.length);
}
