/** The labels by which clips are judged: those of moving-shapes, which the judges were trained on. */

import type { Dataset } from "../../training/dataset.ts";
import { shapeLabels } from "../data/open-dataset.ts";

export const judged = ["shape", "colour", "motion"] as const;
export type Labels = { readonly [L in (typeof judged)[number]]: number };

/** Whether every clip has them. */
export function isLabelled({ labels }: Dataset): boolean {
  return judged.every((name) => labels?.get(name) !== undefined && (labels.get(name) ?? 0) <= (shapeLabels.get(name) ?? 0));
}
