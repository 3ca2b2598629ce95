/** Parts that every file begins with: what it says of itself, constants, and pieces that PyTorch lacks; each its lines. */

import type { CodeGlobal, ModelCode } from "../../module/code.ts";
import { broken } from "./broken.ts";
import { needed, type PieceName, pieces } from "./pieces.ts";
import { comment, docstring, mostColumns, pythonName, pythonValue } from "./python.ts";

/** The docstring: `text`, and behind it what the file was written from by which version. */
export function aboutLines(text: string | undefined, code: ModelCode, version: string, source: string): string[] {
  const of = modelText(code);
  return docstring(`${text === undefined ? of : text}\n\nWritten by mvc ${version} from ${source}: ${of}.`, "");
}

/** A model with what was chosen of it. */
export function modelText({ name, preset, ablations }: ModelCode): string {
  const choices = [...(preset === null ? [] : [`preset ${preset}`]), ...ablations.map((one) => `ablation ${one}`)];
  return `${name}${choices.length === 0 ? "" : ` (${choices.join(", ")})`}`;
}

export function constantLines(globals: readonly CodeGlobal[]): string[] {
  return globals.flatMap(({ name, value, float, doc }) => constant(`${pythonName(name)} = ${pythonValue(value, float)}`, doc));
}

function constant(line: string, doc: string | undefined): string[] {
  const text = doc?.split("\n").join(" ");
  if (text === undefined) return broken(line);
  return line.length + text.length + 4 <= mostColumns ? [`${line}  # ${text}`] : [...comment(text), ...broken(line)];
}

/** Those that are used, and those that they stand on, in their own order. */
export function withNeeded(used: ReadonlySet<PieceName>): PieceName[] {
  const all = new Set(used);
  for (const name of used) for (const other of needed[name] ?? []) all.add(other);
  return (Object.keys(pieces) as PieceName[])
    .filter((name) => all.has(name))
    .sort((a, b) => Number(needed[a] !== undefined) - Number(needed[b] !== undefined));
}

export function pieceLines(names: readonly PieceName[]): (readonly string[])[] {
  return names.map((name) => pieces[name].split("\n"));
}
