/** `models.json`, the list of packages beside the page, to checked entries. */

import { mvcError } from "../runtime/web/index.ts";

export interface ModelEntry {
  readonly name: string;
  /** One sentence: what is different about it. */
  readonly note: string;
  /** The package's folder, relative to the page. */
  readonly path: string;
  /** Of all that the package's pipeline may download. */
  readonly bytes: number;
  readonly parameters: number;
  /** What the package samples with when nothing is asked for. */
  readonly steps: number;
  readonly guidance: number;
  /** The most steps that make sense. */
  readonly trainSteps: number;
  readonly examples: readonly string[];
  /** Lists of words that can stand for one another, for people; empty where the model knows more than can be listed. */
  readonly vocabulary: readonly (readonly string[])[];
}

const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

const fields: { readonly [K in keyof ModelEntry]: (value: unknown) => boolean } = {
  name: isText,
  note: isText,
  path: isText,
  bytes: isCount,
  parameters: isCount,
  steps: isCount,
  guidance: isCount,
  trainSteps: isCount,
  examples: isTexts,
  vocabulary: (value) => Array.isArray(value) && value.every(isTexts),
};

function isEntry(value: unknown): value is ModelEntry {
  if (typeof value !== "object" || value === null) return false;
  const record: { readonly [name: string]: unknown } = { ...value };
  return Object.entries(fields).every(([name, holds]) => holds(record[name]));
}

/** Throws MvcError `file-unreadable` where the text is not a list of at least one entry. */
export function parseModels(text: string): readonly [ModelEntry, ...ModelEntry[]] {
  const wrong = (reason: string) => mvcError("file-unreadable", { file: "models.json", reason });
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw wrong("it is not JSON");
  }
  if (!Array.isArray(list)) throw wrong("it is not a list");
  const bad = list.findIndex((entry) => !isEntry(entry));
  if (bad >= 0) throw wrong(`its entry ${bad + 1} lacks a field, or has one of another type`);
  const [first, ...rest]: readonly ModelEntry[] = list;
  if (first === undefined) throw wrong("it lists no model");
  return [first, ...rest];
}
