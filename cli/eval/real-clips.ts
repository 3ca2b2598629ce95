/** A data set at the size of a model's clips to what its real clips give, judged when they are first asked for: once for all models that are held against them. */

import { gaussianOf } from "../../study/frechet.ts";
import type { ClipSize } from "../../training/dataset.ts";
import type { Listening } from "../data/dataset-options.ts";
import { clipsAt } from "./clips.ts";
import { type Judges, judgedSize, openJudges } from "./judges.ts";
import { isLabelled, labelsOf } from "./labels.ts";
import { type Observed, paceOf, type Wanted } from "./measures.ts";
import { observeAll, resized } from "./observer.ts";
import { type AskedSet, openSets, type SetOptions } from "./sets.ts";

/** Of one set. */
export interface Real {
  readonly seen: readonly Observed[];
  /** What clips of the set's prompts are held against; undefined of data that have no labels. */
  readonly wanted: Wanted | undefined;
}

export class RealClips {
  readonly sets: readonly AskedSet[];
  /** Undefined of data that have no labels. */
  readonly judges: Judges | undefined;
  readonly #known = new Map<AskedSet, Real>();

  private constructor(sets: readonly AskedSet[], judges: Judges | undefined) {
    this.sets = sets;
    this.judges = judges;
  }

  /** Throws MvcError as `openDataset` and `openJudges`. */
  static async open(options: SetOptions, size: ClipSize, listening: Listening): Promise<RealClips> {
    const sets = await openSets(options, size, listening);
    return new RealClips(sets, sets.every(({ dataset }) => isLabelled(dataset)) ? await openJudges() : undefined);
  }

  /** Throws MvcError as `Dataset.clip`, `aborted`: then it is looked at anew the next time. */
  async of(set: AskedSet, listening: Listening): Promise<Real> {
    const { name, dataset, real } = set;
    const known = this.#known.get(set);
    if (known !== undefined) return known;
    const seen = await observeAll(clipsAt(dataset, real, `looking at real clips, ${name}`, listening), this.judges);
    const wanted = this.judges && (await wantedOf(set, seen, this.judges, listening));
    this.#known.set(set, { seen, wanted });
    return { seen, wanted };
  }

  async dispose(): Promise<void> {
    await this.judges?.dispose();
  }
}

async function wantedOf(
  { name, dataset, real, reference }: AskedSet,
  seen: readonly Observed[],
  judges: Judges,
  listening: Listening,
): Promise<Wanted> {
  const features: Float32Array[] = [];
  if (reference !== undefined) {
    const all = Array.from({ length: reference.count }, (_, i) => i);
    for await (const clip of clipsAt(reference, all, `looking at more real clips, ${name}`, listening))
      features.push(await judges.features(await resized(clip, judgedSize)));
  }
  return {
    labels: await labelsOf(dataset, real),
    pace: paceOf(seen),
    features: features.length < 2 ? undefined : gaussianOf(features),
  };
}
