/** A path that a user names to the checkpoint there: a file of either format, shards, or a folder of parts. */

import { type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
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
 *   `checkpoint-invalid`, `weights-invalid`, `weights-float8`.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const { ema = false } = options;
  const place = partsAt(path, ema);
  const opened: Checkpoint[] = [];
  const close = () => {
    for (const file of opened) file.close();
  };
  try {
    if (place === undefined) return await openWeightFile(path);
    const tensors = new Map<string, CheckpointTensor>();
    const metadata: { [key: string]: string } = {};
    const notes = [...place.notes];
    for (const part of place.parts) {
      const files = await openPart(part, opened, notes);
      for (const [key, tensor] of mergedShards(files, part)) tensors.set(part.name === "" ? key : `${part.name}/${key}`, tensor);
      for (const file of files) {
        for (const [key, value] of Object.entries(file.metadata)) metadata[part.name === "" ? key : `${part.name}/${key}`] = value;
      }
    }
    return { path, tensors, metadata, notes, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

/** Undefined for a single file. */
function partsAt(path: string, ema: boolean): Parts | undefined {
  const found = standingAt(path);
  // What does not stand there, or must not be looked at, is said where it is opened.
  if (found === undefined) return undefined;
  if (found.isDirectory()) return partsOf(path, ema);
  if (basename(path) === pipelineIndex) return partsOf(dirname(path), ema);
  return path.endsWith(".json") ? partOfIndex(path) : partOfShard(path);
}

function standingAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

async function openPart(part: Part, opened: Checkpoint[], notes: string[]): Promise<Checkpoint[]> {
  const shards = shardsOf(part.folder, part.set, part.names);
  notes.push(...shards.notes);
  const files: Checkpoint[] = [];
  for (const path of shards.files) {
    const file = await openWeightFile(path);
    opened.push(file);
    files.push(file);
    notes.push(...file.notes);
  }
  if (shards.index !== undefined) {
    notes.push(...checkIndex(shards.index, new Map(files.map((file) => [file.path, file.tensors.keys()])), part.folder));
  }
  return files.map((file) => ({ ...file, tensors: listedIn(file, shards.index) }));
}

/** A key that two shards hold is that of the shard which the index names. */
function listedIn(file: Checkpoint, index: ReadonlyMap<string, string> | undefined): Checkpoint["tensors"] {
  return new Map([...file.tensors].filter(([key]) => (index?.get(key) ?? basename(file.path)) === basename(file.path)));
}

function mergedShards(files: readonly Checkpoint[], part: Part): Checkpoint["tensors"] {
  const merged = new Map<string, CheckpointTensor>();
  const holder = new Map<string, string>();
  for (const { path, tensors } of files) {
    for (const [key, tensor] of tensors) {
      const other = holder.get(key);
      if (other !== undefined)
        throw mvcError("checkpoint-invalid", { file: part.folder, reason: `"${key}" is in ${other} and in ${basename(path)}` });
      holder.set(key, basename(path));
      merged.set(key, tensor);
    }
  }
  return merged;
}
