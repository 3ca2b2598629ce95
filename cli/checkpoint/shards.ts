/** A set of weights in a folder to the files to open, all of which are there. */

import { basename, join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { counted, namesOf } from "./names.ts";
import type { WeightSet } from "./weight-sets.ts";

export interface Shards {
  /** Whole paths. */
  readonly files: readonly string[];
  /** By key the name of the file that is to hold it, where an index says so. */
  readonly index: ReadonlyMap<string, string> | undefined;
  readonly notes: readonly string[];
}

/** Throws MvcError `checkpoint-incomplete` where shards are missing, `checkpoint-invalid` for an index that is none. */
export function shardsOf(folder: string, set: WeightSet, names: readonly string[]): Shards {
  if (set.index === undefined) {
    requireAll(folder, missingNumbers(set));
    return { files: set.files.map((name) => join(folder, name)), index: undefined, notes: [] };
  }
  const path = join(folder, set.index);
  const index = readIndex(path);
  const listed = [...new Set(index.values())].sort();
  requireAll(
    folder,
    listed.filter((name) => !names.includes(name)),
  );
  const extra = names.filter((name) => name.startsWith(`${set.stem}-`) && name.endsWith(`.${set.extension}`) && !listed.includes(name));
  const notes = extra.length === 0 ? [] : [`${namesOf(extra)} lies beside the shards of ${path} and is not listed there: it was not read`];
  return { files: listed.map((name) => join(folder, name)), index, notes };
}

function requireAll(folder: string, missing: readonly string[]): void {
  if (missing.length > 0) throw mvcError("checkpoint-incomplete", { file: folder, missing: namesOf(missing) });
}

function missingNumbers({ files, of }: WeightSet): string[] {
  const [first] = files;
  if (first === undefined || of === 0) return [];
  const named = (number: number) => first.replace(/\d{5}(?=-of-)/, String(number).padStart(5, "0"));
  return Array.from({ length: of }, (_, i) => named(i + 1)).filter((name) => !files.includes(name));
}

function readIndex(path: string): ReadonlyMap<string, string> {
  const invalid = (reason: string) => mvcError("checkpoint-invalid", { file: path, reason });
  let json: unknown;
  try {
    json = JSON.parse(readText(path, "the index of the shards", textLimits.tokenizer));
  } catch (thrown) {
    throw thrown instanceof SyntaxError ? invalid("it is not JSON") : thrown;
  }
  const map = typeof json === "object" && json !== null && "weight_map" in json ? json.weight_map : undefined;
  if (typeof map !== "object" || map === null) throw invalid("it has no `weight_map`, which says where each tensor is");
  for (const [key, name] of Object.entries(map)) {
    if (typeof name !== "string" || name === "" || basename(name) !== name || name.includes("\\"))
      throw invalid(`it has "${key}" in ${JSON.stringify(name)}, which is no file's name`);
  }
  if (Object.keys(map).length === 0) throw invalid("its `weight_map` is empty");
  return new Map(Object.entries(map));
}

/** What keys and index say of each other. Throws MvcError `checkpoint-invalid` where the shards lack what the index promises. */
export function checkIndex(index: ReadonlyMap<string, string>, keysOf: ReadonlyMap<string, Iterable<string>>, folder: string): string[] {
  const held = new Map([...keysOf].map(([file, keys]) => [basename(file), new Set(keys)]));
  const absent = [...index].filter(([key, name]) => held.get(name)?.has(key) !== true);
  const [first] = absent;
  if (first !== undefined) {
    const more = absent.length === 1 ? "" : `, and lacks ${absent.length - 1} more`;
    const reason = `its index has "${first[0]}" in ${first[1]}, which does not hold it${more}`;
    throw mvcError("checkpoint-invalid", { file: folder, reason });
  }
  const unlisted = [...held].flatMap(([name, keys]) => [...keys].filter((key) => index.get(key) !== name));
  return unlisted.length === 0
    ? []
    : [`the shards of ${folder} hold ${counted(unlisted.length, "tensor")} that the index does not list there: ${namesOf(unlisted)}`];
}
