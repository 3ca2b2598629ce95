/** A folder to the parts of the checkpoint in it, each a set of files, and what was chosen among alternatives. */

import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { systemReason } from "../../runtime/node/system-errors.ts";
import { type Averages, averagesLeft } from "./averages.ts";
import { namesOf } from "./names.ts";
import { type Alternatives, nameOf, shardsBeside, usual, type WeightSet, weightSets } from "./weight-sets.ts";

export interface Part {
  /** What stands before the slash of its keys; empty where the checkpoint is one part only. */
  readonly name: string;
  readonly folder: string;
  /** All names in the folder, for a set's shards and what lies beside them. */
  readonly names: readonly string[];
  readonly set: WeightSet;
}

export interface Parts {
  readonly parts: readonly Part[];
  readonly notes: readonly string[];
}

interface Listing {
  readonly folder: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** `model_index.json` lists the components of a diffusers pipeline. */
export const pipelineIndex = "model_index.json";

/**
 * The parts of a folder, the first of these that it is:
 * 1. a diffusers folder: `model_index.json`, and the weights in its subfolders (`unet/conv_in.weight`). What lies beside the subfolders is left alone;
 * 2. a folder with weights of its own: one set, whose keys stay as they are, or several unrelated ones (`encoder/1.weight` of `encoder.pth`).
 *    Subfolders are left alone;
 * 3. a folder of folders with weights, as 1.
 * @param averages whether `unet_ema/` is to be read as `unet/`.
 * @throws MvcError `checkpoint-kind` where there are no weights.
 */
export function partsOf(path: string, averages: Averages): Parts {
  const listing = listed(path);
  const own = weightSets(listing.files);
  if (listing.files.includes(pipelineIndex)) {
    const rest = [...own.values()].flat().map(nameOf);
    const beside =
      rest.length === 0 ? [] : [`${path} is a diffusers folder: its subfolders were read, and not ${namesOf(rest)} beside them`];
    const found = componentsOf(listing, componentsIn(join(path, pipelineIndex)), averages);
    return { parts: found.parts, notes: [...beside, ...found.notes] };
  }
  if (own.size > 0) return ownParts(listing, own);
  return componentsOf(listing, undefined, averages);
}

/** The set that a shard is of, named alone. */
export function partOfShard(path: string): Parts | undefined {
  const { files } = listed(dirname(path));
  const set = shardsBeside(basename(path), files);
  if (set === undefined) return undefined;
  const part = { name: "", folder: dirname(path), names: files, set };
  return { parts: [part], notes: [`${path} is one shard of several: all of them were read`] };
}

/** The set that an index lists. Undefined for JSON that is no index of shards. */
export function partOfIndex(path: string): Parts | undefined {
  const { files } = listed(dirname(path));
  const sets = [...weightSets(files).values()].flat();
  const set = sets.find(({ index }) => index === basename(path));
  return set && { parts: [{ name: "", folder: dirname(path), names: files, set }], notes: [] };
}

function listed(folder: string): Listing {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    // Links are followed, as files of a downloaded snapshot are links into a cache.
    const folders = entries.filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))));
    const names = folders.map(({ name }) => name).sort();
    const files = entries.map(({ name }) => name).filter((name) => !names.includes(name));
    return { folder, files: files.sort(), folders: names };
  } catch (thrown) {
    throw mvcError("file-unreadable", { file: folder, reason: systemReason(thrown) });
  }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function chosen(folder: string, alternatives: Alternatives): string[] {
  const [best, ...others] = alternatives;
  return others.length === 0 ? [] : [`of ${folder} ${nameOf(best)} was read, and not ${namesOf(others.map(nameOf))}`];
}

function ownParts({ folder, files, folders }: Listing, own: ReadonlyMap<string, Alternatives>): Parts {
  const parts = [...own.values()].map((alternatives) => {
    const [set] = alternatives;
    return { name: own.size === 1 ? "" : set.stem, folder, names: files, set };
  });
  const several =
    parts.length > 1
      ? [`${folder} holds several sets of weights: their keys begin with ${namesOf(parts.map(({ name }) => `${name}/`))}`]
      : [];
  const below = folders.filter((name) => weightSets(listed(join(folder, name)).files).size > 0);
  const left =
    below.length === 0
      ? []
      : [`the weights in ${namesOf(below.map((name) => `${name}/`))} of ${folder} were not read: it has weights of its own`];
  return { parts, notes: [...several, ...[...own.values()].flatMap((alternatives) => chosen(folder, alternatives)), ...left] };
}

/** @param components of the pipeline, or undefined for every subfolder. */
function componentsOf(listing: Listing, components: readonly string[] | undefined, averages: Averages): Parts {
  const notes: string[] = [];
  const parts: Part[] = [];
  for (const name of listing.folders) {
    const folder = join(listing.folder, name);
    const plain = name.endsWith("_ema") ? name.slice(0, -"_ema".length) : name;
    const averaged = plain !== name && listing.folders.includes(plain);
    const { files } = listed(folder);
    const sets = weightSets(files);
    // A component is one model: where it has the usual name, other files are extras.
    const found = sets.get(usual) ?? (sets.size === 1 ? [...sets.values()][0] : undefined);
    if (sets.size === 0) continue;
    if (found === undefined) {
      const names = namesOf([...sets.values()].map(([set]) => nameOf(set)));
      notes.push(`${folder} was not read: it holds several sets of weights (${names}), none with a usual name`);
    } else if (averaged && !averages.wanted) {
      averages.found = true;
      notes.push(averagesLeft(folder));
    } else if (averages.wanted && listing.folders.includes(`${name}_ema`)) {
      notes.push(`${folder} was not read: ${name}_ema/ beside it, its averaged weights (EMA), was`);
      averages.found = true;
    } else if (components?.includes(averaged ? plain : name) === false) {
      notes.push(`${folder} was not read: ${pipelineIndex} does not list it`);
    } else {
      const others = [...sets.values()].filter((one) => one !== found).flat();
      parts.push({ name: averaged ? plain : name, folder, names: files, set: found[0] });
      notes.push(...chosen(folder, [...found, ...others]));
    }
  }
  if (parts.length > 0) return { parts, notes };
  const kind = listing.files.includes(pipelineIndex)
    ? "a diffusers folder without any weights in its subfolders"
    : "a folder without weights";
  const way = "name a folder with .safetensors, .bin, .pt, .pth or .ckpt files in it or in its subfolders, or such a file";
  throw mvcError("checkpoint-kind", { file: listing.folder, kind, way });
}

function componentsIn(path: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(readText(path, "the list of the pipeline's components", textLimits.settings));
  } catch (thrown) {
    throw thrown instanceof SyntaxError ? mvcError("checkpoint-invalid", { file: path, reason: "it is not JSON" }) : thrown;
  }
  if (typeof json !== "object" || json === null) throw mvcError("checkpoint-invalid", { file: path, reason: "it is not an object" });
  return Object.keys(json);
}
