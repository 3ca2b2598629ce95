/** What cannot be used of a folder's films to one error that counts them, or, where the user has chosen so, to a note of what is left out. */

import { MvcError, mvcError } from "../../../runtime/errors.ts";
import type { ClipSize } from "../../../training/dataset.ts";
import type { DatasetOptions } from "../dataset-options.ts";
import { strided } from "../made-dataset.ts";
import type { FilmFrames } from "../windows.ts";

export interface Problem {
  readonly name: string;
  readonly reason?: string;
}

export interface Judge {
  readonly folder: string;
  /** Clips in the folder, whatever they are good for. */
  readonly total: number;
  readonly note: (text: string) => void;
}

interface Kind {
  readonly counted: (count: number, total: number) => string;
  readonly mend: string;
  readonly skip: string;
}

const kinds = {
  damaged: { counted: (count, total) => `${count} of ${total} clips cannot be read`, mend: "mend or remove them", skip: "--damaged skip" },
  missing: {
    counted: (count) => (count === 1 ? "1 caption is of a file that is not there" : `${count} captions are of files that are not there`),
    mend: "correct them (a path starts at the folder of its table; numbered PNGs of a sub-folder go by its name)",
    skip: "--damaged skip",
  },
  short: {
    counted: (count, total) => `${count} of ${total} clips ${count === 1 ? "is" : "are"} too short`,
    mend: "take fewer frames, hold the last one of each by `--short hold`",
    skip: "--short skip",
  },
  uncaptioned: {
    counted: (count, total) => `${count} of ${total} clips ${count === 1 ? "has" : "have"} no caption`,
    mend: "give each a .txt beside it or a row of a .jsonl or .csv, take them with the empty text by `--uncaptioned empty`",
    skip: "--uncaptioned skip",
  },
} satisfies { readonly [kind: string]: Kind };

/** The most names that a note lists. */
const LISTED = 12;

/** Throws MvcError `data-invalid` where there are problems and nobody has said that they are to be left out. */
export function settle({ folder, total, note }: Judge, kind: keyof typeof kinds, problems: readonly Problem[], skip: boolean): void {
  if (problems.length === 0) return;
  const { counted, mend, skip: option }: Kind = kinds[kind];
  const said = ({ name, reason }: Problem) => (reason === undefined ? name : `${name} (${reason})`);
  const many = counted(problems.length, total);
  if (skip) {
    const more = problems.length > LISTED ? ` and ${problems.length - LISTED} more, which \`mvc data ${folder}\` names` : "";
    note(`${many}; left out: ${problems.slice(0, LISTED).map(said).join(", ")}${more}`);
    return;
  }
  throw mvcError("data-invalid", {
    data: folder,
    reason: `${many}, such as ${said(problems[0] as Problem)}`,
    way: `${mend}, or go on without them by \`${option}\`; \`mvc data ${folder}\` names all`,
  });
}

/** What was thrown while a film was opened or read; all else than a film's own fault is thrown on. */
export function asProblem(name: string, thrown: unknown): Problem {
  if (!(thrown instanceof MvcError) || !thrown.code.startsWith("file-")) throw thrown;
  return { name, reason: typeof thrown.fields.reason === "string" ? thrown.fields.reason : thrown.message };
}

/** Such as `it has 12 frames, a clip takes 16`. */
export function shortness({ count, shown }: FilmFrames, { frames }: ClipSize, options: DatasetOptions): string {
  if (options.fps === undefined || shown === undefined) return `it has ${count} frames, a clip takes ${frames}${strided(options)}`;
  return `it lasts ${shown.end.toFixed(2)} s, a clip ${(frames / options.fps).toFixed(2)} s`;
}

/** What is said of films that have fewer frames a second than are asked for; nothing where there are none. */
export function comingAgain(films: readonly { readonly name: string }[]): readonly string[] {
  if (films.length === 0) return [];
  const named = films.slice(0, 3).map(({ name }) => name);
  const more = films.length > named.length ? ` and ${films.length - named.length} more` : "";
  return [`frames come again in what has fewer a second: ${named.join(", ")}${more}`];
}

/** Files that are no clips and no captions, by their endings. */
export function leftAlone(others: ReadonlyMap<string, number>): readonly string[] {
  if (others.size === 0) return [];
  const listed = [...others].map(([ending, count]) => `${count} ${ending === "" ? "without an ending" : ending}`);
  return [`files of other kinds are left alone: ${listed.join(", ")}`];
}
