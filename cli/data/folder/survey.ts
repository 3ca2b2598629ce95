/** A folder of films to what a user must know of it before training: each film's size and times, its captions, and what is wrong with it. */

import { throwIfAborted } from "../../../runtime/errors.ts";
import type { ClipSize } from "../../../training/dataset.ts";
import type { DatasetOptions, Listening } from "../dataset-options.ts";
import { filmWindows, framesComeAgain, type Shown } from "../windows.ts";
import { readCaptions } from "./captions.ts";
import { openSource } from "./folder-dataset.ts";
import { asProblem, leftAlone, type Problem, shortness } from "./problems.ts";
import { walk } from "./walk.ts";

export interface SurveyedFilm {
  readonly name: string;
  readonly pictures: boolean;
  readonly width: number;
  readonly height: number;
  readonly count: number;
  readonly shown?: Shown | undefined;
  readonly captions: readonly string[];
  /** Clips that it gives, and whether frames of one come again, as it has fewer a second. */
  readonly clips: number;
  readonly repeats: boolean;
}

export interface Survey {
  readonly films: readonly SurveyedFilm[];
  readonly damaged: readonly Problem[];
  readonly short: readonly Problem[];
  readonly uncaptioned: readonly Problem[];
  /** Captions of files that are not there. */
  readonly missing: readonly Problem[];
  readonly notes: readonly string[];
}

/** Opens every film and decodes none. Throws MvcError `data-invalid`, `aborted`. */
export async function survey(folder: string, size: ClipSize, options: DatasetOptions, { progress, signal }: Listening): Promise<Survey> {
  const listing = walk(folder);
  const captions = readCaptions(listing);
  const films: SurveyedFilm[] = [];
  const damaged = [...listing.problems];
  const short: Problem[] = [];
  for (const [i, source] of listing.sources.entries()) {
    throwIfAborted(signal, `looking at ${folder}`);
    try {
      const film = await openSource(source);
      film.close();
      const { width, height, count, shown } = film;
      const windows = filmWindows(film, size.frames, options);
      if (windows.length === 0) short.push({ name: source.name, reason: shortness(film, size, options) });
      const held = windows.length === 0 && options.short === "hold" ? 1 : 0;
      const repeats = framesComeAgain(windows);
      const shared = { name: source.name, pictures: source.pictures, captions: captions.of.get(source.name) ?? [] };
      films.push({ ...shared, width, height, count, shown, clips: windows.length + held, repeats });
    } catch (thrown) {
      damaged.push(asProblem(source.name, thrown));
    }
    progress?.("looking at films", i + 1, listing.sources.length);
  }
  return {
    films,
    damaged,
    short,
    uncaptioned: listing.sources.filter(({ name }) => !captions.of.has(name)).map(({ name }) => ({ name })),
    missing: captions.missing,
    notes: [...captions.notes, ...leftAlone(listing.others)],
  };
}
