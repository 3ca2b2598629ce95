// A case of a golden: the files, and the build's choices where the error is one of building.

import type { Choices } from "../../compiler/expand/configure.ts";

export interface BuildCase {
  readonly source: string;
  readonly choices: Partial<Choices>;
}

/** One text is the file `tiny.mv`; several files are named, the first being the entry. */
export type Case = string | BuildCase | { readonly [file: string]: string };

export type Cases = { readonly [code: string]: readonly Case[] };

export function filesOf(found: Case): ReadonlyMap<string, string> {
  if (typeof found === "string") return new Map([["tiny.mv", found]]);
  if (isBuild(found)) return new Map([["tiny.mv", found.source]]);
  return new Map(Object.entries(found));
}

export function choicesOf(found: Case): Choices {
  return { precision: "f32", ...(typeof found !== "string" && isBuild(found) ? found.choices : {}) };
}

function isBuild(found: Exclude<Case, string>): found is BuildCase {
  return typeof found.source === "string" && typeof found.choices === "object";
}
