/** The weights that a study is to start from to what is said of them and their hash, every variant's checked before the work. */

import { createHash } from "node:crypto";
import type { Settings } from "../choices.ts";
import { weightsOf } from "../train/prepare.ts";
import { listed } from "../weights/causes.ts";
import { modelWeights, type OpenWeights, openWeights } from "../weights/model-weights.ts";
import type { TakenWeights } from "../weights/taken.ts";
import type { PreparedVariant } from "./variants.ts";

export interface Start {
  /** Of all tensors of the files, by SHA-256; null of random numbers. */
  readonly hash: string | null;
  readonly notes: readonly string[];
}

/** Throws MvcError as `openWeights` and `modelWeights`. */
export async function startOf(found: readonly PreparedVariant[], weights: readonly string[], set: Settings): Promise<Start> {
  if (weights.length === 0) return { hash: null, notes: [] };
  const opened = await openWeights({ weights });
  try {
    return { hash: hashOf(opened), notes: notesOf(opened, found, { weights, set }) };
  } finally {
    opened.close();
  }
}

function hashOf({ trained }: OpenWeights): string {
  const hash = createHash("sha256");
  for (const { tensors } of trained)
    for (const [key, tensor] of tensors) {
      hash.update(JSON.stringify([key, tensor.dtype, tensor.shape]));
      for (const chunk of tensor.chunks()) hash.update(chunk);
    }
  return hash.digest("hex");
}

function notesOf(
  opened: OpenWeights,
  found: readonly PreparedVariant[],
  options: { readonly weights: readonly string[]; readonly set: Settings },
): readonly string[] {
  const variants = new Map<string, string[]>();
  let shared = 0;
  for (const { about, prepared } of found) {
    const { program, module, training, stages } = prepared;
    const { taken } = modelWeights(opened, { program, module, weights: weightsOf(training) }, { ...options, init: 0 }) ?? {};
    for (const note of taken === undefined ? [] : [...randomNote(taken), ...taken.notes])
      variants.set(note, [...(variants.get(note) ?? []), about.name]);
    const trained = new Set(stages.flatMap((stage) => (stage.kind === "loss" ? stage.trained.map(({ path }) => path) : [])));
    const made = new Set(taken?.made.map(({ path }) => path));
    shared = Math.max(shared, [...trained].filter((path) => !made.has(path)).length);
  }
  const told = [...variants].map(([note, names]) => (names.length === found.length ? note : `${names.join(", ")}: ${note}`));
  const alike = `in every seed ${shared} of the weights that are trained start alike, as the file has them: such seeds differ by clips, noise and levels`;
  return shared === 0 ? told : [...told, alike];
}

/** Of what no file has. */
function randomNote({ taken, made }: TakenWeights): readonly string[] {
  if (made.length === 0) return [];
  const files = taken.map(({ shown }) => shown).join(" and ");
  return [`${files} ${taken.length === 1 ? "lacks" : "lack"} ${listed(made.map(({ path }) => path))}, which start at random, by each seed`];
}
