/** What a user may choose of a data set: how clips are taken from films, and what becomes of those that do not do. */

import type { Combinations } from "./moving-shapes.ts";
import type { Pace } from "./windows.ts";

/** The words of each choice; the first is what holds where nothing is said. */
export const choices = {
  /** A film with too few frames for a clip: an error, left out, or its last frame held. */
  short: ["refuse", "skip", "hold"],
  /** A film that cannot be read: an error, or left out. */
  damaged: ["refuse", "skip"],
  /** A film without a caption: an error, left out, or taken with the empty text. */
  uncaptioned: ["refuse", "skip", "empty"],
} as const;

export interface DatasetOptions extends Pace {
  readonly short?: (typeof choices.short)[number] | undefined;
  readonly damaged?: (typeof choices.damaged)[number] | undefined;
  readonly uncaptioned?: (typeof choices.uncaptioned)[number] | undefined;
  /** The folder where clips of films are kept as they are decoded. */
  readonly cache?: string | undefined;
  /** Of `moving-shapes`: how many clips, which, and of which combinations. */
  readonly clips?: number | undefined;
  readonly seed?: number | undefined;
  readonly combinations?: Combinations | undefined;
}

/** Who is told on the way; whoever aborts stops it between two clips. */
export interface Listening {
  /** What was left out, cut short or shown for longer. */
  readonly note?: (text: string) => void;
  readonly progress?: (task: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}
