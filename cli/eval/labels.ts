/** The labels by which clips are judged: those of moving-shapes, which the judges were trained on. */

import type { Dataset } from "../../training/dataset.ts";
import { shapeLabels } from "../data/open-dataset.ts";

export const judged = ["shape", "colour", "motion"] as const;
export type Labels = { readonly [L in (typeof judged)[number]]: number };

/** Whether every clip has them. */
export function isLabelled({ labels }: Dataset): boolean {
  return judged.every((name) => labels?.get(name) !== undefined && (labels.get(name) ?? 0) <= (shapeLabels.get(name) ?? 0));
}

/** Of the clips at these places of a data set that has them. */
export async function labelsOf(dataset: Dataset, places: readonly number[]): Promise<readonly Labels[]> {
  const all: Labels[] = [];
  for (const place of places) {
    const { labels = {} } = await dataset.clip(place);
    const of = (name: (typeof judged)[number]) => labels[name] ?? -1;
    all.push({ shape: of("shape"), colour: of("colour"), motion: of("motion") });
  }
  return all;
}
