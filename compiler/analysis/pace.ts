/** Two paces, of places that read places that read others, to the one of the first reading the last; and what else is asked of a pace. */

import type { Pace } from "../ops/op.ts";

/** Whole numbers, both ends included. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Each place its own. */
export const still: Pace = { rows: 1, per: 1, low: 0, high: 0 };

/** Each place the one that lies so many behind it. */
export function moved(by: number): Pace {
  return { ...still, low: by, high: by };
}

/** So many places in a row the same. */
export function repeatedPlaces(times: number): Pace {
  return { ...still, per: times };
}

export function readAt({ rows, per, low, high }: Pace, place: number): Range {
  return { low: Math.floor((place * rows + low) / per), high: Math.floor((place * rows + high) / per) };
}

/** What a place reads that reads at one pace what reads at another. */
export function composed(outer: Pace, inner: Pace): Pace {
  // A rounded place is less than its fraction by up to `per - 1` parts, which counts where the inner pace takes several rows a place.
  const rounded = inner.rows === 1 ? 0 : outer.per - 1;
  return reduced({
    rows: outer.rows * inner.rows,
    per: outer.per * inner.per,
    low: (outer.low - rounded) * inner.rows + outer.per * inner.low,
    high: outer.high * inner.rows + outer.per * inner.high,
  });
}

function reduced({ rows, per, low, high }: Pace): Pace {
  const common = divisor(rows, per);
  return { rows: rows / common, per: per / common, low: Math.floor(low / common), high: Math.floor(high / common) };
}

export function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

export function samePace(a: Pace, b: Pace): boolean {
  return sameRate(a, b) && sameRange(a, b);
}

export function sameRate(a: Pace, b: Pace): boolean {
  return a.rows === b.rows && a.per === b.per;
}

export function sameRange(a: Range, b: Range): boolean {
  return a.low === b.low && a.high === b.high;
}

/** The pace at the rate of another at which the places `first` to `first + count - 1` read no less than all that is within a range. */
export function paceOf({ low, high }: Range, { rows, per }: Pace, count: number, first = 0): Pace {
  return { rows, per, low: (low + 1) * per - 1 - (first + count - 1) * rows, high: high * per - first * rows };
}

/** The pace at the rate of another at which the places up to `count` read no less than at this one. */
export function atRate(pace: Pace, rate: Pace, count: number): Pace {
  if (sameRate(pace, rate)) return pace;
  // Both paces are lines, so that they are farthest apart at one of the ends.
  const ends = [0, count - 1];
  const low = ends.map((p) => ((p * pace.rows + pace.low - pace.per + 1) * rate.per) / pace.per + rate.per - 1 - p * rate.rows);
  const high = ends.map((p) => ((p * pace.rows + pace.high) * rate.per) / pace.per - p * rate.rows);
  return { ...rate, low: Math.floor(Math.min(...low)), high: Math.ceil(Math.max(...high)) };
}

export function hull(ranges: readonly Range[]): Range {
  return ranges.reduce((all, { low, high }) => ({ low: Math.min(all.low, low), high: Math.max(all.high, high) }));
}
