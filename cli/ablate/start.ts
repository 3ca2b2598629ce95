/** The weights that a study is to start from to what is said of them, their hash and what can be measured then, every variant's checked before the work. */

import { createHash } from "node:crypto";
import type { Settings } from "../choices.ts";
import { weightsOf } from "../train/prepare.ts";
import { showsIn } from "../train/sample-sheet.ts";
import { listed } from "../weights/causes.ts";
import { modelWeights, type OpenWeights, openWeights } from "../weights/model-weights.ts";
import type { TakenWeights } from "../weights/taken.ts";
import type { PreparedVariant } from "./variants.ts";

export interface Start {
  /** Of all tensors of the files, by SHA-256; null of random numbers. */
  readonly hash: string | null;
  /** Nothing trains what clips are sampled by, and no file has it. */
  readonly reconstructionAlone: boolean;
  readonly notes: readonly string[];
}

/** The baseline is the first that was found. Throws MvcError as `openWeights` and `modelWeights`. */
export async function startOf(found: readonly PreparedVariant[], weights: readonly string[], set: Settings): Promise<Start> {
  const [baseline] = found;
  if (baseline === undefined) throw new Error("ablate: a study without a baseline");
  const began = await beginning(found, weights, set);
  const { module, training } = baseline.prepared;
  const random = began.random.get(baseline) ?? new Set(training.weights.keys());
  const reconstructionAlone = showsIn(module, random) && !showsIn(module, trainedOf(baseline));
  const alone = "no stage trains what clips are sampled by, and no file has it: reconstruction alone is measured";
  return { hash: began.hash, reconstructionAlone, notes: reconstructionAlone ? [...began.notes, alone] : began.notes };
}

interface Beginning {
  readonly hash: string | null;
  readonly notes: readonly string[];
  /** The paths of what the files lack. */
  readonly random: ReadonlyMap<PreparedVariant, ReadonlySet<string>>;
}

async function beginning(found: readonly PreparedVariant[], weights: readonly string[], set: Settings): Promise<Beginning> {
  if (weights.length === 0) return { hash: null, notes: [], random: new Map() };
  const opened = await openWeights({ weights });
  try {
    return { hash: hashOf(opened), ...foundIn(opened, found, { weights, set }) };
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

function foundIn(
  opened: OpenWeights,
  found: readonly PreparedVariant[],
  options: { readonly weights: readonly string[]; readonly set: Settings },
): Omit<Beginning, "hash"> {
  const variants = new Map<string, string[]>();
  const random = new Map<PreparedVariant, ReadonlySet<string>>();
  let shared = 0;
  for (const variant of found) {
    const { program, module, training } = variant.prepared;
    const { taken } = modelWeights(opened, { program, module, weights: weightsOf(training) }, { ...options, init: 0 }) ?? {};
    for (const note of taken === undefined ? [] : [...randomNote(taken), ...taken.notes])
      variants.set(note, [...(variants.get(note) ?? []), variant.about.name]);
    const made = new Set(taken?.made.map(({ path }) => path));
    random.set(variant, made);
    shared = Math.max(shared, [...trainedOf(variant)].filter((path) => !made.has(path)).length);
  }
  const told = [...variants].map(([note, names]) => (names.length === found.length ? note : `${names.join(", ")}: ${note}`));
  const alike = `in every seed ${shared} of the weights that are trained start alike, as the file has them: such seeds differ by clips, noise and levels`;
  return { random, notes: shared === 0 ? told : [...told, alike] };
}

const trainedOf = ({ prepared: { stages } }: PreparedVariant): ReadonlySet<string> =>
  new Set(stages.flatMap((stage) => (stage.kind === "loss" ? stage.trained.map(({ path }) => path) : [])));

/** Of what no file has. */
function randomNote({ taken, made }: TakenWeights): readonly string[] {
  if (made.length === 0) return [];
  const files = taken.map(({ shown }) => shown).join(" and ");
  return [`${files} ${taken.length === 1 ? "lacks" : "lack"} ${listed(made.map(({ path }) => path))}, which start at random, by each seed`];
}
