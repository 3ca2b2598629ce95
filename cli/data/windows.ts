/** The frames of a film, and when each is shown, to those that clips of a model are made of. */

/** When frames are shown: in seconds from the first, whose start is 0; each until the next one starts, the last until `end`. */
export interface Shown {
  readonly starts: readonly number[];
  readonly end: number;
}

export interface FilmFrames {
  readonly count: number;
  /** Nothing of pictures that lie side by side, which have no time of their own. */
  readonly shown?: Shown | undefined;
}

/** How a model's clips are taken from films. */
export interface Pace {
  /** Frames a second of the clip; what has no time of its own has this rate already. Without it frames are taken as they come. */
  readonly fps?: number | undefined;
  /** Every so many frames as they come, 1 where it is not given; not beside `fps`. */
  readonly stride?: number | undefined;
  /** At most so many clips of one film, 1 where it is not given: as many as fit side by side, each in the middle of its part. */
  readonly windows?: number | undefined;
}

/** Clips that a film gives, each as the places of its `frames` frames; none where the film is too short for one. */
export function filmWindows(film: FilmFrames, frames: number, pace: Pace): readonly (readonly number[])[] {
  const { fps, stride = 1, windows = 1 } = pace;
  if (film.count === 0) return [];
  if (fps === undefined || film.shown === undefined) {
    const span = (frames - 1) * stride + 1;
    const count = Math.min(windows, Math.floor(film.count / span));
    const first = (i: number) => Math.floor(((i + 0.5) * film.count) / count - span / 2);
    return Array.from({ length: count }, (_, i) => Array.from({ length: frames }, (__, k) => first(i) + k * stride));
  }
  const { end } = film.shown;
  const span = frames / fps;
  // A film of just so many frames must not fail for the rounding of its times.
  if (span - 0.5 / fps >= end) return [];
  const count = Math.min(windows, Math.max(1, Math.floor(end / span + 1e-6)));
  const first = (i: number) => Math.max(0, Math.floor((((i + 0.5) * end) / count - span / 2) * fps + 1e-6));
  return Array.from({ length: count }, (_, i) => atRate(film.count, film.shown as Shown, fps, first(i), frames));
}

/** Whether a clip of a film shows a frame of it again, as the film has fewer a second than are asked for. */
export function framesComeAgain(windows: readonly (readonly number[])[]): boolean {
  return windows.some((places) => new Set(places).size < places.length);
}

/** The one clip of a film that is too short: from its first frame on, its last one held. */
export function heldWindow(film: FilmFrames, frames: number, { fps, stride = 1 }: Pace): readonly number[] {
  const { count, shown } = film;
  if (fps !== undefined && shown !== undefined) return atRate(count, shown, fps, 0, frames);
  return Array.from({ length: frames }, (_, k) => Math.min(count - 1, k * stride));
}

/**
 * What is shown at so many frames a second, from the `first` of these on. It is looked at half a frame after each one's start, where
 * rates that go into one another meet the middle of the film's frames: between two of them rounding would choose, now this one, now that.
 */
function atRate(count: number, { starts, end }: Shown, fps: number, first: number, frames: number): readonly number[] {
  const late = Math.min(0.5 / fps, (0.5 * end) / count) + 1e-9;
  return Array.from({ length: frames }, (_, k) => shownAt(starts, (first + k) / fps + late));
}

/** The last frame that has started by then, the first before that. */
function shownAt(starts: readonly number[], time: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}
