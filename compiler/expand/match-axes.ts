/** The axes of a value and those that are wanted of it, to the parts that both are made of, each found by its name. */

import { Axis, type Factor } from "../graph/axis.ts";
import { definedFactors } from "../graph/same-axes.ts";

/** A part of a wanted axis: the index of the value's part that it is, or none where the value has none. */
export interface Piece {
  readonly axis: Axis;
  readonly from: number | undefined;
}

export interface Match {
  /** What the value's axes are products of, in their order. */
  readonly parts: readonly Axis[];
  /** For each wanted axis what it is the product of, the slowest first. */
  readonly pieces: readonly (readonly Piece[])[];
}

/** Axes that nothing tells apart: of one name, or of one size where the value has no more than that. */
export interface Ambiguous {
  readonly ambiguous: readonly Axis[];
  readonly by: "name" | "size";
}

/**
 * Whole axes are matched before what they are the product of, and names before sizes; a number that nothing names is found by its
 * size. Which is which of several is never guessed from their order. With `repeats`, what is wanted twice may be the value's or a repetition.
 */
export function matchAxes(source: readonly Axis[], wanted: readonly Axis[], repeats: boolean): Match | Ambiguous {
  let parts = source.filter(holdsMore);
  let factors = wanted.map((axis) => axis.factors);
  // Each round splits something that no round puts together again.
  for (;;) {
    const names = new Set(parts.map((axis) => axis.key));
    const runs = factors.map((list) => runsOf(list, names));
    const asked = new Set(runs.flat().map((axis) => axis.key));
    const split = parts.flatMap((part) => (asked.has(part.key) ? [part] : splitOnce(part)));
    const defined = runs.map((list) => list.flatMap((run) => (names.has(run.key) ? run.factors : definedFactors(run.factors))));
    const longer = split.length > parts.length || split.some((part, i) => part !== parts[i]);
    if (!longer && defined.every((list, i) => sameFactors(list, factors[i] ?? []))) return matched(parts, runs, repeats);
    [parts, factors] = [split, defined];
  }
}

function matched(parts: readonly Axis[], runs: readonly (readonly Axis[])[], repeats: boolean): Match | Ambiguous {
  const asked = runs.map((list) => list.filter(holdsMore));
  const [have, want] = [countsOf(parts), countsOf(asked.flat())];
  const several = (key: string) => (have.get(key) ?? 0) > 1 || (repeats && (want.get(key) ?? 0) > 1);
  const twins = parts.filter((part) => want.has(part.key) && several(part.key));
  if (twins.length > 0) return { ambiguous: twins, by: "name" };

  const unnamed = parts.filter((part) => part.plain && !want.has(part.key));
  const missing = asked.flat().filter((piece) => !piece.plain && !have.has(piece.key));
  for (const part of unnamed) {
    const ofSize = (list: readonly Axis[]) => list.filter(({ size }) => size === part.size);
    const [alike, candidates] = [ofSize(unnamed), ofSize(missing)];
    if (candidates.length > 1 || (candidates.length === 1 && alike.length > 1)) return { ambiguous: candidates, by: "size" };
  }
  const free = new Map(parts.map((part, i) => [part.key, i]));
  for (const part of unnamed) free.set(`=${part.size}`, parts.indexOf(part));
  const take = (key: string) => {
    const index = free.get(key);
    free.delete(key);
    return index;
  };
  const found = (axis: Axis) => take(axis.key) ?? (axis.plain ? undefined : take(`=${axis.size}`));
  return { parts, pieces: asked.map((list) => list.map((axis) => ({ axis, from: found(axis) }))) };
}

/** A list of factors as the longest runs that are the value's parts, from the left; each other factor by itself. */
function runsOf(factors: readonly Factor[], names: ReadonlySet<string>): Axis[] {
  const runs: Axis[] = [];
  for (let start = 0; start < factors.length; ) {
    let length = factors.length - start;
    while (length > 1 && !names.has(product(factors.slice(start, start + length)).key)) length--;
    runs.push(product(factors.slice(start, start + length)));
    start += length;
  }
  return runs;
}

function product(factors: readonly Factor[]): Axis {
  return new Axis(
    factors.reduce((size, factor) => size * factor.size, 1),
    factors,
  );
}

/** An axis as its factors, or a const as what it was defined as. */
function splitOnce(axis: Axis): readonly Axis[] {
  const factors = axis.factors.length > 1 ? axis.factors : definedFactors(axis.factors);
  return factors.length === 1 && factors[0] === axis.factors[0] ? [axis] : factors.map((factor) => product([factor])).filter(holdsMore);
}

function sameFactors(one: readonly Factor[], other: readonly Factor[]): boolean {
  return one.length === other.length && one.every((factor, i) => factor === other[i]);
}

/** An axis that is written as 1 is no part of anything. */
function holdsMore(axis: Axis): boolean {
  return axis.size !== 1 || !axis.plain;
}

function countsOf(axes: readonly Axis[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const axis of axes) counts.set(axis.key, (counts.get(axis.key) ?? 0) + 1);
  return counts;
}
