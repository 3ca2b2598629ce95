/** A data set to the prompts that a model is asked for, set by set, and the real clips that its own are held against. */

import type { ClipSize, Dataset } from "../../training/dataset.ts";
import type { DatasetOptions, Listening } from "../data/dataset-options.ts";
import { openDataset } from "../data/open-dataset.ts";

export interface SetOptions extends Omit<DatasetOptions, "clips" | "seed" | "combinations"> {
  /** As `mvc train` takes it. */
  readonly data: string;
  /** Prompts of each set, evenly over the data. */
  readonly clips: number;
}

export interface AskedSet {
  readonly name: "seen" | "held-out";
  /** Real clips, a prompt each, in their order. */
  readonly real: readonly number[];
  readonly dataset: Dataset;
  /** Other real clips of the same combinations, which features are compared with; undefined where the data have no others. */
  readonly reference: Dataset | undefined;
}

/** Of moving-shapes: clips that no training has seen, which draws from seed 0, the shipped Mini's from seed 1. */
const [askedSeed, referenceSeed] = [1001, 1002];
/** Real clips that a Gaussian is fitted to: four for each of the judges' features. */
const referenceClips = 128;

/** The first set is what the ceiling and chance are taken of. Throws MvcError as `openDataset`. */
export async function openSets(options: SetOptions, size: ClipSize, listening: Listening): Promise<readonly AskedSet[]> {
  const { data, clips, fps, stride, windows, short, damaged, uncaptioned, cache } = options;
  const taken = { fps, stride, windows, short, damaged, uncaptioned, cache };
  if (data !== "moving-shapes") {
    const dataset = await openDataset(data, size, taken, listening);
    const count = Math.min(clips, dataset.count);
    if (count < clips) listening.note?.(`${data} has ${count} clips, fewer than the ${clips} that were asked for: all are taken`);
    return [{ name: "seen", real: evenly(count, dataset.count), dataset, reference: undefined }];
  }
  const open = (count: number, seed: number, combinations: AskedSet["name"]): Promise<Dataset> =>
    openDataset(data, size, { ...taken, clips: count, seed, combinations }, listening);
  const sets: AskedSet[] = [];
  for (const name of ["seen", "held-out"] as const) {
    const dataset = await open(clips, askedSeed, name);
    sets.push({ name, real: evenly(clips, dataset.count), dataset, reference: await open(referenceClips, referenceSeed, name) });
  }
  return sets;
}

function evenly(count: number, of: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.floor((i * of) / count));
}
