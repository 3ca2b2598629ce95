/** A folder and those in it to the clips that lie there, and to the texts and tables that may speak of them. */

import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { extname, join } from "node:path";
import { mvcError } from "../../../runtime/errors.ts";
import { kindOf, systemReason } from "../../../runtime/node/system-errors.ts";
import { naturalOrder } from "../../natural-order.ts";
import type { Problem } from "./problems.ts";

/** What films are called; what one is, its bytes say. */
export const filmEndings = [".gif", ".mp4", ".m4v", ".mov", ".webm", ".mkv"];

/** A film, a picture, or pictures that are one clip. */
export interface Source {
  /** By which it is known: its path within the data set's folder, with slashes. */
  readonly name: string;
  /** One, or the pictures in their order. */
  readonly files: readonly string[];
  /** Pictures of a folder, whose name it has. */
  readonly pictures: boolean;
}

export interface Listing {
  /** In natural order. */
  readonly sources: readonly Source[];
  /** What is called like a clip and is none. */
  readonly problems: readonly Problem[];
  /** Paths of `.txt` files by their names within the folder, less the ending. */
  readonly texts: ReadonlyMap<string, string>;
  /** Names within the folder, each with its path. */
  readonly tables: readonly { readonly name: string; readonly path: string }[];
  /** How many files there are of other endings. */
  readonly others: ReadonlyMap<string, number>;
}

/** Links are followed; what begins with a dot is left alone. Throws MvcError `data-invalid` where a folder cannot be read. */
export function walk(folder: string): Listing {
  const sources: Source[] = [];
  const problems: Problem[] = [];
  const texts = new Map<string, string>();
  const tables: { name: string; path: string }[] = [];
  const others = new Map<string, number>();
  const visit = (path: string, name: string, above: readonly string[]): void => {
    const pictures: string[] = [];
    const within = (entry: string) => (name === "" ? entry : `${name}/${entry}`);
    for (const entry of entriesOf(path)) {
      const [full, called] = [join(path, entry), within(entry)];
      const ending = extname(entry).toLowerCase();
      const found = statOf(full);
      if (typeof found === "string") {
        if (isClip(ending)) problems.push({ name: called, reason: found });
      } else if (found.isDirectory()) {
        const place = `${found.dev} ${found.ino}`;
        if (above.includes(place)) problems.push({ name: called, reason: "it is a link to a folder that it lies in" });
        else visit(full, called, [...above, place]);
      } else if (!isClip(ending) && !isText(ending)) others.set(ending, (others.get(ending) ?? 0) + 1);
      else if (!found.isFile()) problems.push({ name: called, reason: `it is ${kindOf(found)}, not a file` });
      else if (ending === ".txt") texts.set(called.slice(0, -ending.length), full);
      else if (isText(ending)) tables.push({ name: called, path: full });
      else if (ending === ".png") pictures.push(entry);
      else sources.push({ name: called, files: [full], pictures: false });
    }
    const one = name !== "" && areOneClip(pictures) && !pictures.some((entry) => texts.has(within(entry.slice(0, -4))));
    if (!one) sources.push(...pictures.map((entry) => ({ name: within(entry), files: [join(path, entry)], pictures: false })));
    else {
      const gap = gapIn(pictures);
      if (gap === undefined) sources.push({ name, files: pictures.map((entry) => join(path, entry)), pictures: true });
      else problems.push({ name, reason: gap });
    }
  };
  const top = statOf(folder);
  if (typeof top === "string") throw unreadable(folder, top);
  visit(folder, "", [`${top.dev} ${top.ino}`]);
  return { sources: sources.sort((a, b) => naturalOrder(a.name, b.name)), problems, texts, tables, others };
}

const isClip = (ending: string) => ending === ".png" || filmEndings.includes(ending);
const isText = (ending: string) => [".txt", ".jsonl", ".csv"].includes(ending);

function unreadable(folder: string, reason: string) {
  return mvcError("data-invalid", {
    data: folder,
    reason: `it cannot be read: ${reason}`,
    way: "check that you may read it, and all in it",
  });
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .sort(naturalOrder);
  } catch (thrown) {
    throw unreadable(folder, systemReason(thrown));
  }
}

/** Or why there is nothing to be used. */
function statOf(path: string): Stats | string {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return found;
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
      ? `it is a link to ${readlinkSync(path)}, which does not exist`
      : "it does not exist";
  } catch (thrown) {
    return systemReason(thrown);
  }
}

const numberOf = (name: string) => /(\d+)\.png$/i.exec(name)?.[1];

/** Several pictures, all numbered. */
function areOneClip(names: readonly string[]): boolean {
  return names.length > 1 && names.every((name) => numberOf(name) !== undefined);
}

/** Numbers count up evenly. */
function gapIn(names: readonly string[]): string | undefined {
  const numbers = names.map((name) => Number(numberOf(name)));
  const steps = numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0));
  const least = Math.min(...steps);
  const at = steps.findIndex((step) => step !== least);
  return at < 0 ? undefined : `after ${names[at]} comes ${names[at + 1]}: a picture is missing`;
}
