/** Two lists of axes that stand side by side: whether their names say that equal sizes hide a mistake. */

import { Axis, type Factor, showAxes } from "./axis.ts";
import type { Form } from "./size-form.ts";

export interface Misplaced {
  readonly index: number;
  /** `H is not W, though both are 8 here`. */
  readonly why: string;
  readonly hint: string | undefined;
}

/**
 * The first place where an axis stands that is not the other list's: one that the other list has elsewhere, or the same factors in
 * another order. Two names that meet nowhere else are taken for one axis, as the caller's and the block's are; so is a number.
 * Places of unequal sizes are left to the caller, and so are lists of unequal length; the places behind the first `compared` only tell.
 */
export function misplaced(expected: readonly Axis[], found: readonly Axis[], compared = expected.length): Misplaced | undefined {
  const differing = expected.map((axis, i) => axis !== found[i] && axis.key !== found[i]?.key);
  if (!differing.includes(true)) return undefined;
  for (const [index, one] of expected.slice(0, compared).entries()) {
    const two = found[index];
    if (two === undefined || !differing[index] || one.size !== two.size || one.plain || two.plain) continue;
    const elsewhere = (axis: Axis, others: readonly Axis[]) =>
      others.some((other, i) => i !== index && differing[i] && axis.key === other.key);
    const swapped = elsewhere(two, expected) || elsewhere(one, found);
    const same = one.form.root.text === two.form.root.text;
    const names = `${two.name} is not ${one.name}`;
    const hint = permuted(expected, found) ? `bring the axes into order by name: \`arrange(${showAxes(expected)})\`` : undefined;
    if (!swapped && same && reordered(one, two)) return { index, why: `${names}, whose elements are in another order`, hint };
    if (swapped || (!same && named(one, two, expected, found, index)))
      return { index, why: `${names}, though both are ${one.size} here`, hint };
  }
  return undefined;
}

function permuted(one: readonly Axis[], other: readonly Axis[]): boolean {
  const sorted = (axes: readonly Axis[]) =>
    axes
      .map((axis) => axis.name)
      .sort()
      .join();
  return sorted(one) === sorted(other);
}

/**
 * Why the same elements in the same order cannot have other axes: an axis that both have lies elsewhere, or stands in the place of one
 * that is not it. Axes that only one of both has are renamed, split or joined by the view.
 */
export function movedByView(from: readonly Axis[], to: readonly Axis[]): string | undefined {
  const [own, wanted] = [placesOf(from), placesOf(to)];
  const common = [...own].filter(([key]) => wanted.has(key));
  for (const [i, [key, { axis, stride }]] of common.entries()) {
    const other = wanted.get(key);
    const ahead = common[i + 1];
    const turned = ahead !== undefined && (wanted.get(ahead[0])?.order ?? 0) < (other?.order ?? 0);
    if (other?.stride === stride && !turned) continue;
    return `${axis.name} lies in another place`;
  }
  const pairs = from.flatMap((axis, i) => {
    const at = to.findIndex((other, j) => other.size === axis.size && axis.size > 1 && strideAt(to, j) === strideAt(from, i));
    return at < 0 ? [] : [[axis, to[at] as Axis] as const];
  });
  const [before, after] = [pairs.map(([axis]) => axis), pairs.map(([, axis]) => axis)];
  return misplaced(after, before)?.why;
}

interface Place {
  readonly axis: Axis;
  readonly stride: number;
  readonly order: number;
}

/** Where each axis lies that only one place has, and each name that axes are the product of; a product with a number is arithmetic. */
function placesOf(axes: readonly Axis[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place | undefined>();
  const add = (axis: Axis, stride: number) => {
    const key = `${axis.name}=${axis.size}`;
    if (!axis.plain) places.set(key, places.has(key) ? undefined : { axis, stride, order: places.size });
  };
  for (const [i, axis] of axes.entries()) {
    if (axis.factors.length > 1 && axis.factors.every((factor) => factor.form.number === undefined)) {
      for (const [j, factor] of axis.factors.entries()) {
        const behind = axis.factors.slice(j + 1).reduce((size, { size: next }) => size * next, 1);
        add(new Axis(factor.size, [factor]), behind * strideAt(axes, i));
      }
    } else add(axis, strideAt(axes, i));
  }
  return new Map([...places].flatMap(([key, place]) => (place === undefined ? [] : [[key, place] as const])));
}

function strideAt(axes: readonly Axis[], index: number): number {
  return axes.slice(index + 1).reduce((stride, axis) => stride * axis.size, 1);
}

/** Whether a name that only one of the two axes has is part of another axis of the other's list. */
function named(one: Axis, two: Axis, expected: readonly Axis[], found: readonly Axis[], index: number): boolean {
  const [names, others] = [rootNames(one), rootNames(two)];
  const within = (list: readonly Axis[], key: string) => list.some((axis, i) => i !== index && rootNames(axis).has(key));
  return (
    [...others].some((key) => !names.has(key) && within(expected, key)) || [...names].some((key) => !others.has(key) && within(found, key))
  );
}

function rootNames(axis: Axis): Set<string> {
  return new Set(axis.form.root.names.map((name) => name.key));
}

/** Whether two axes have the same factors, each once, in different orders. */
function reordered(one: Axis, two: Axis): boolean {
  const [a, b] = [written(one), written(two)];
  return a.join() !== b.join() && [...a].sort().join() === [...b].sort().join();
}

function written(axis: Axis): string[] {
  return definedFactors(axis.factors).flatMap(({ form }) => (form.number === undefined ? [form.text] : []));
}

/** With each factor that is nothing but a const in the factors that it was defined by. */
export function definedFactors(factors: readonly Factor[]): readonly Factor[] {
  return factors.flatMap((factor) => {
    const defined = definitionOf(factor.form);
    return defined === undefined ? [factor] : definedFactors(defined.factors);
  });
}

function definitionOf(form: Form): Axis | undefined {
  const [term, ...more] = form.terms;
  const [power, ...others] = term?.powers ?? [];
  if (term === undefined || power === undefined || more.length + others.length > 0) return undefined;
  return power.power === 1 && term.over === 1 && term.under === 1 ? power.of.is : undefined;
}
