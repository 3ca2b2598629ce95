/** Texts beside clips, and tables of them, to the captions of each clip. */

import { extname, posix } from "node:path";
import { type CsvError, parse } from "csv-parse/sync";
import { mvcError, reasonOf } from "../../../runtime/errors.ts";
import { readText, textLimits } from "../../../runtime/node/regular-file.ts";
import type { Problem } from "./problems.ts";
import type { Listing, Source } from "./walk.ts";

/** What the columns of a table, or the fields of a line, are called. */
const fileNames = ["file", "file_name"] as const;
const textNames = ["text", "caption"] as const;

export interface Captions {
  /** Of each source that has any, by its name. */
  readonly of: ReadonlyMap<string, readonly string[]>;
  /** Rows of files that are not there: `a.mp4`, in line 3 of captions.csv. */
  readonly missing: readonly Problem[];
  /** What was passed over. */
  readonly notes: readonly string[];
}

interface Row {
  readonly file: string;
  readonly text: string;
  readonly line: number;
}

/**
 * A `.txt` beside a clip comes before the rows of `.jsonl` files, these before those of `.csv` files. Several rows of one clip are as many examples.
 * @throws MvcError `data-invalid` where a table cannot be understood; `not-utf8`, `file-…`
 */
export function readCaptions({ sources, texts, tables }: Listing): Captions {
  const find = finder(sources);
  const missing: Problem[] = [];
  const rowsOf = (ending: string) => {
    const found = new Map<string, string[]>();
    for (const { name, path } of tables.filter((table) => extname(table.name).toLowerCase() === ending)) {
      for (const { file, text, line } of ending === ".csv" ? csvRows(path) : jsonRows(path)) {
        const source = find(posix.join(posix.dirname(name), file));
        if (source === undefined) missing.push({ name: file, reason: `line ${line} of ${name}` });
        else if (text !== "") found.set(source, [...(found.get(source) ?? []), text]);
      }
    }
    return found;
  };
  const beside = new Map<string, string[]>();
  const used = new Set<string>();
  for (const source of sources) {
    const stem = source.pictures ? source.name : source.name.slice(0, -extname(source.name).length);
    const path = texts.get(stem);
    if (path === undefined) continue;
    used.add(stem);
    const text = plain(readText(path, "the caption", textLimits.settings));
    if (text !== "") beside.set(source.name, [text]);
  }
  const ranked = [beside, rowsOf(".jsonl"), rowsOf(".csv")];
  const of = new Map<string, readonly string[]>();
  let overruled = 0;
  for (const { name } of sources) {
    const [first, ...rest] = ranked.map((captions) => captions.get(name)).filter((one) => one !== undefined);
    if (first === undefined) continue;
    of.set(name, first);
    if (rest.some((others) => others.join("\n") !== first.join("\n"))) overruled++;
  }
  const alone = [...texts.keys()].filter((stem) => !used.has(stem));
  return {
    of,
    missing,
    notes: [
      ...(overruled === 0
        ? []
        : [`${overruled} of the clips have other captions too: a .txt comes before a .jsonl, and that before a .csv`]),
      ...(alone.length === 0 ? [] : [`no clip lies beside ${alone.length} of the .txt files, such as ${alone[0]}.txt`]),
    ],
  };
}

/** File systems write `ü` in one letter or in two, whatever a table does. */
function finder(sources: readonly Source[]): (name: string) => string | undefined {
  const exact = new Set(sources.map(({ name }) => name));
  const composed = new Map(sources.map(({ name }) => [name.normalize("NFC"), name]));
  return (written) => {
    const name = written.replace(/\/+$/, "");
    return exact.has(name) ? name : composed.get(name.normalize("NFC"));
  };
}

/** In one line. */
function plain(text: string): string {
  return text
    .replace(/^\ufeff/, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
}

function refused(path: string, reason: string) {
  const way = `give each row a file (${fileNames.join(" or ")}) and its text (${textNames.join(" or ")}); a table of other things belongs elsewhere`;
  return mvcError("data-invalid", { data: path, reason, way });
}

function rowOf(path: string, line: number, fields: { readonly [name: string]: unknown }): Row {
  const value = (names: readonly string[]) => {
    const name = names.find((one) => Object.hasOwn(fields, one));
    if (name === undefined)
      throw refused(path, `line ${line} has no ${names.join(" or ")}, only ${Object.keys(fields).join(", ") || "nothing"}`);
    const found = fields[name];
    if (typeof found !== "string") throw refused(path, `${name} of line ${line} is no text`);
    return found;
  };
  const file = value(fileNames);
  if (file === "") throw refused(path, `line ${line} names no file`);
  return { file, text: plain(value(textNames)), line };
}

function jsonRows(path: string): readonly Row[] {
  const lines = readText(path, "the captions", textLimits.captions)
    .replace(/^\ufeff/, "")
    .split("\n");
  return lines.flatMap((text, i) => {
    if (text.trim() === "") return [];
    let fields: unknown;
    try {
      fields = JSON.parse(text);
    } catch (thrown) {
      throw refused(path, `line ${i + 1} is no JSON (${reasonOf(thrown)})`);
    }
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw refused(path, `line ${i + 1} is no object`);
    return [rowOf(path, i + 1, fields as { readonly [name: string]: unknown })];
  });
}

function csvRows(path: string): readonly Row[] {
  const text = readText(path, "the captions", textLimits.captions);
  try {
    return parse(text, { columns: true, bom: true, skip_empty_lines: true, info: true }).map((one) => {
      const { record, info } = one as unknown as { record: { [name: string]: string }; info: { lines: number } };
      // Where a row of several lines ends.
      return rowOf(path, info.lines, record);
    });
  } catch (thrown) {
    if ((thrown as CsvError).code?.startsWith("CSV_")) throw refused(path, reasonOf(thrown));
    throw thrown;
  }
}
