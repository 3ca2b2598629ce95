/** A path that a user names to the checkpoint there: a file of either format, shards, or a folder of parts. */

import { type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { type Averages, chooseAverages } from "./averages.ts";
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { type Part, type Parts, partOfIndex, partOfShard, partsOf, pipelineIndex } from "./folder.ts";
import { openWeightFile } from "./open-file.ts";
import { checkIndex, shardsOf } from "./shards.ts";

export interface OpenOptions {
  /** Where plain and averaged weights (EMA) lie beside each other: whether the averaged ones are read in place of the plain ones. */
  readonly ema?: boolean;
}

/**
 * Reads headers only; a tensor's bytes are read when they are asked for. Accepts
 * * a safetensors file or a zip file of PyTorch's `torch.save`, whatever its name;
 * * a shard (`…-00001-of-00003.safetensors`) or an index (`….safetensors.index.json`), for all shards;
 * * a diffusers folder or its `model_index.json`, and other folders (`partsOf` says in which order of precedence).
 * @throws MvcError `file-missing`, `file-unreadable`; `checkpoint-kind` for what is not read, with the way out; `checkpoint-incomplete`,
 *   `checkpoint-invalid`, `weights-invalid`; `checkpoint-refused` for a pickle that would run code; `weights-float8`, `checkpoint-tensor` for types
 *   that are not read; `checkpoint-averages`.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const averages: Averages = { wanted: options.ema ?? false, found: false };
  const place = partsAt(path, averages);
  const opened: Checkpoint[] = [];
  const close = () => {
    for (const file of opened) file.close();
  };
  const open = async (file: string) => {
    const checkpoint = await openWeightFile(file, averages);
    opened.push(checkpoint);
    return checkpoint;
  };
  try {
    const tensors = new Map<string, CheckpointTensor>();
    const metadata: { [key: string]: string } = {};
    const notes = [...(place?.notes ?? [])];
    // One after the other: where one fails, none is opened after all were closed.
    const parts: PartOpened[] = place === undefined ? [{ prefix: "", ...(await open(path)) }] : [];
    for (const part of place?.parts ?? []) parts.push(await openPart(part, open));
    for (const { prefix, ...part } of parts) {
      const chosen = chooseAverages(part.tensors, part.path, averages);
      const bare = withoutWrapper(chosen.tensors, part.path);
      notes.push(...part.notes, ...chosen.notes, ...bare.notes);
      for (const [key, tensor] of bare.tensors) tensors.set(prefix + key, tensor);
      for (const [key, value] of Object.entries(part.metadata)) metadata[prefix + key] = value;
    }
    if (averages.wanted && !averages.found) throw mvcError("checkpoint-averages", { file: path });
    return { path, files: opened.flatMap(({ files }) => files), tensors, metadata, notes, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

/** Undefined for a single file. */
function partsAt(path: string, averages: Averages): Parts | undefined {
  const found = standingAt(path);
  // What does not stand there, or must not be looked at, is said where it is opened.
  if (found === undefined) return undefined;
  if (found.isDirectory()) return partsOf(path, averages);
  if (basename(path) === pipelineIndex) return partsOf(dirname(path), averages);
  return path.endsWith(".json") ? partOfIndex(path) : partOfShard(path);
}

function standingAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

type PartOpened = Omit<Checkpoint, "close" | "files"> & { readonly prefix: string };

async function openPart(part: Part, open: (file: string) => Promise<Checkpoint>): Promise<PartOpened> {
  const { files: paths, index, notes: about } = shardsOf(part.folder, part.set, part.names);
  const files: Checkpoint[] = [];
  for (const path of paths) files.push(await open(path));
  const listed = index === undefined ? [] : checkIndex(index, new Map(files.map((file) => [file.path, file.tensors.keys()])), part.folder);
  const [first] = files;
  return {
    prefix: part.name === "" ? "" : `${part.name}/`,
    path: files.length === 1 && first !== undefined ? first.path : part.folder,
    tensors: mergedShards(files, index, part.folder),
    metadata: Object.assign({}, ...files.map(({ metadata }) => metadata)),
    notes: [...about, ...files.flatMap(({ notes }) => notes), ...listed],
  };
}

/** A key that two shards hold is that of the shard which the index names. */
function mergedShards(files: readonly Checkpoint[], index: ReadonlyMap<string, string> | undefined, folder: string): Checkpoint["tensors"] {
  const merged = new Map<string, CheckpointTensor>();
  const holders = new Map<string, string>();
  for (const { path, tensors } of files) {
    const name = basename(path);
    for (const [key, tensor] of tensors) {
      if ((index?.get(key) ?? name) !== name) continue;
      const other = holders.get(key);
      if (other !== undefined) throw mvcError("checkpoint-invalid", { file: folder, reason: `"${key}" is in ${other} and in ${name}` });
      holders.set(key, name);
      merged.set(key, tensor);
    }
  }
  return merged;
}

/** What `DataParallel` and `torch.compile` put before every key. */
const wrappers: readonly string[] = ["module.", "_orig_mod."];

function withoutWrapper(tensors: Checkpoint["tensors"], path: string): Pick<Checkpoint, "tensors" | "notes"> {
  const wrapper = wrappers.find((prefix) => tensors.size > 0 && [...tensors.keys()].every((key) => key.startsWith(prefix)));
  if (wrapper === undefined) return { tensors, notes: [] };
  const bare = withoutWrapper(new Map([...tensors].map(([key, tensor]) => [key.slice(wrapper.length), tensor])), path);
  return { tensors: bare.tensors, notes: [`all keys of ${path} begin with ${wrapper}, which was left out`, ...bare.notes] };
}
