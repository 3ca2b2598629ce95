/** What a user may choose of a data set: how clips are taken from films, and what becomes of those that do not do. */

import { mvcError } from "../../runtime/errors.ts";
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

/** Throws MvcError `option-invalid`, in the words of the command line. */
export function requireOptions({ fps, stride, windows, clips }: DatasetOptions): void {
  const refuse = (option: string, expected: string, found: unknown) =>
    mvcError("option-invalid", { option, expected, found: String(found) });
  if (fps !== undefined && !(fps >= 0.01 && fps <= 1000)) throw refuse("--fps", "a number from 0.01 to 1000", fps);
  for (const [option, count] of Object.entries({ "--stride": stride, "--windows": windows, "--clips": clips }))
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1 && count <= 1_000_000))
      throw refuse(option, "a whole number from 1 to 1000000", count);
  if (fps !== undefined && stride !== undefined) throw refuse("--stride", "left out beside --fps, which says how frames are taken", stride);
}
