/** Inputs' axes to the positions along them ("rows") that the elements of each value may read, from what every op mixes. */

import { type Graph, type OpValue, sizeOf, type Value, type ValueId } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { Mix } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";

/** Whole numbers, both ends included. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Row p of a value is index (…·length + p)·after + … of dimension `axis`, after `before` outer copies; it reads the rows p + low to p + high. */
export interface Placed {
  readonly axis: number;
  readonly before: number;
  readonly length: number;
  readonly after: number;
  readonly shift: Range;
}

/** No element reads a row that is not `within`; rows of its own a value has only where it is `placed`. Both may claim less than holds, never more. */
export interface Reads {
  readonly within: Range;
  readonly placed?: Placed;
}

type Shape = readonly number[];

interface Operand {
  readonly shape: Shape;
  readonly reads: Reads | undefined;
}

/** An input that stands for a call which gave `result` before: pairs of what it takes and what was taken then. */
export interface StandIn {
  readonly result: ValueId;
  readonly pairs: readonly (readonly [own: ValueId, then: ValueId])[];
}

type StandIns = ReadonlyMap<ValueId, StandIn>;

/** By value, for inputs with the axes given by name; a value that is not there reads no row. */
export function readsAlong(graph: Graph, axes: ReadonlyMap<string, number>, standIns: StandIns = new Map()): ReadonlyMap<ValueId, Reads> {
  const reads = new Map<ValueId, Reads>();
  const shapes = new Map<ValueId, Shape>();
  const rows = graph.values.reduce((most, value) => {
    const axis = value.kind === "input" && !standIns.has(value.id) ? axes.get(value.name) : undefined;
    return axis === undefined ? most : Math.max(most, value.type.shape[axis] ?? 1);
  }, 1);
  const operand = (id: ValueId): Operand => ({ shape: shapes.get(id) ?? [], reads: reads.get(id) });
  for (const value of graph.values) {
    shapes.set(value.id, value.type.shape);
    const standIn = standIns.get(value.id);
    const found =
      value.kind === "op"
        ? through(value, value.inputs.map(operand), rows)
        : standIn === undefined
          ? sourceReads(value, axes)
          : repeated(standIn, (id) => reads.get(id));
    if (found !== undefined) reads.set(value.id, found);
  }
  return reads;
}

/** What the rows `first` to `first + count - 1` read beside themselves if each reads all that is within a range. */
export function shiftOf({ low, high }: Range, count: number, first = 0): Range {
  return { low: low - (first + count - 1), high: high - first };
}

function sourceReads(value: Exclude<Value, OpValue>, axes: ReadonlyMap<string, number>): Reads | undefined {
  const axis = value.kind === "input" ? axes.get(value.name) : undefined;
  const length = axis === undefined ? undefined : value.type.shape[axis];
  if (axis === undefined || length === undefined) return undefined;
  return placedReads({ low: 0, high: length - 1 }, { axis, before: 1, length, after: 1, shift: { low: 0, high: 0 } });
}

/** A call that takes what reads alike gives what reads alike; whatever it takes, it reads nothing else. */
function repeated({ result, pairs }: StandIn, readsOf: (id: ValueId) => Reads | undefined): Reads | undefined {
  if (pairs.every(([own, then]) => sameReads(readsOf(own), readsOf(then)))) return readsOf(result);
  return joined(pairs.map(([own]) => spread(readsOf(own))));
}

function sameReads(a: Reads | undefined, b: Reads | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (!sameRange(a.within, b.within)) return false;
  if (a.placed === undefined || b.placed === undefined) return a.placed === b.placed;
  return samePlace(a.placed, b.placed) && sameRange(a.placed.shift, b.placed.shift);
}

function sameRange(a: Range, b: Range): boolean {
  return a.low === b.low && a.high === b.high;
}

/** `rows` are those of the inputs. */
function through(op: OpValue, operands: readonly Operand[], rows: number): Reads | undefined {
  const [x] = operands;
  if (x === undefined || operands.every(({ reads }) => reads === undefined)) return undefined;
  switch (op.op) {
    case "reshape":
      return reshaped(x, op.type.shape);
    case "transpose":
      return transposed(x, op.attributes.permutation);
    case "slice":
      return sliced(x, op.attributes);
    case "concat":
      return concatenated(operands, op.attributes.axis, rows);
    case "pad":
      return padded(x, op.attributes, rows);
    default: {
      const shapes = operands.map(({ shape }) => shape);
      const mixes = opEntry(op.op).mixes(shapes, op.attributes);
      return joined(operands.map((operand, i) => mixed(operand, i, mixes, op.type.shape)));
    }
  }
}

/** Rows that read nothing that is there are free, and a single row needs no place. */
function placedReads(within: Range, placed: Placed): Reads | undefined {
  const { length, shift } = placed;
  const low = Math.max(within.low, shift.low);
  const high = Math.min(within.high, length - 1 + shift.high);
  if (low > high) return undefined;
  return length === 1 ? { within: { low, high } } : { within: { low, high }, placed };
}

/** Without a place, each element may read all. */
function spread(reads: Reads | undefined): Reads | undefined {
  return reads && { within: reads.within };
}

/** Follows the rows through a reshape: they must end up within one dimension. */
function reshaped({ reads, shape }: Operand, to: Shape): Reads | undefined {
  if (reads?.placed === undefined) return reads;
  const { placed, within } = reads;
  const outer = sizeOf(shape.slice(0, placed.axis)) * placed.before;
  const end = outer * placed.length;
  let before = 1;
  for (const [axis, dimension] of to.entries()) {
    const upTo = before * dimension;
    if (outer % before === 0 && upTo % end === 0) return { within, placed: { ...placed, axis, before: outer / before, after: upTo / end } };
    before = upTo;
  }
  return spread(reads);
}

function transposed({ reads }: Operand, permutation: readonly number[]): Reads | undefined {
  if (reads?.placed === undefined) return reads;
  return { ...reads, placed: { ...reads.placed, axis: permutation.indexOf(reads.placed.axis) } };
}

function sliced({ reads }: Operand, { axis, start, size }: { readonly axis: number; readonly start: number; readonly size: number }) {
  if (reads?.placed?.axis !== axis) return reads;
  const { within, placed } = reads;
  const { length, after, shift } = placed;
  const copy = length * after;
  if (start % copy === 0 && size % copy === 0) return { within, placed: { ...placed, before: size / copy } };
  const offset = start % copy;
  if (offset + size > copy) return spread(reads);
  const [first, last] = [Math.floor(offset / after), Math.floor((offset + size - 1) / after)];
  const moved = { axis, before: 1, length: last - first + 1, after, shift: { low: shift.low + first, high: shift.high + first } };
  const cut = placedReads(within, moved);
  return offset % after === 0 && size % after === 0 ? cut : spread(cut);
}

/** Between zeros, which read nothing. */
function padded(x: Operand, { axis, before, after }: OpAttributes["pad"], rows: number): Reads | undefined {
  const zeros = (size: number): Operand => ({ shape: x.shape.with(axis, size), reads: undefined });
  return concatenated([zeros(before), x, zeros(after)], axis, rows);
}

/** Rows lie along another axis; or parts that have rows, or are rows, one after another; or parts have the same rows over and over. */
function concatenated(operands: readonly Operand[], axis: number, rows: number): Reads | undefined {
  const within = hull(operands.flatMap(({ reads }) => (reads === undefined ? [] : [reads.within])));
  const aside = joined(operands.map(({ reads }) => (reads?.placed?.axis === axis ? spread(reads) : reads)));
  const places = [inSequence(operands, axis), inCopies(operands, axis, rows)].filter((placed) => placed !== undefined);
  return nearest([aside, ...places.map((placed) => placedReads(within, placed))]);
}

function inSequence(operands: readonly Operand[], axis: number): Placed | undefined {
  const after = rowSize(operands, axis);
  if (after === undefined) return undefined;
  const shifts: Range[] = [];
  let length = 0;
  for (const { reads, shape } of operands) {
    const count = (shape[axis] ?? 1) / after;
    const placed = reads?.placed;
    if (placed?.axis === axis && placed.before === 1 && placed.after === after)
      shifts.push({ low: placed.shift.low - length, high: placed.shift.high - length });
    else if (reads !== undefined) shifts.push(shiftOf(reads.within, count, length));
    length += count;
  }
  return { axis, before: 1, length, after, shift: hull(shifts) };
}

/** Of all rows: parts of them that are alike in number follow one another. */
function inCopies(operands: readonly Operand[], axis: number, length: number): Placed | undefined {
  const along = operands.find(({ reads }) => reads?.placed?.axis === axis && reads.placed.length === length)?.reads?.placed;
  if (along === undefined) return undefined;
  const { after } = along;
  const copies = operands.map(({ shape }) => (shape[axis] ?? 1) / (length * after));
  if (!copies.every(Number.isInteger)) return undefined;
  const shifts = operands.flatMap(({ reads }) => {
    const alike = reads?.placed?.axis === axis && reads.placed.length === length && reads.placed.after === after;
    return reads === undefined ? [] : [alike && reads.placed !== undefined ? reads.placed.shift : shiftOf(reads.within, length)];
  });
  return { axis, before: copies.reduce((sum, count) => sum + count), length, after, shift: hull(shifts) };
}

/** How much of the axis a row of a concatenation takes; undefined where the parts are no rows. */
function rowSize(operands: readonly Operand[], axis: number): number | undefined {
  const along = operands.find(({ reads }) => reads?.placed?.axis === axis && reads.placed.before === 1)?.reads?.placed;
  const sizes = operands.map(({ shape }) => shape[axis] ?? 1);
  if (along !== undefined) return sizes.every((size) => size % along.after === 0) ? along.after : undefined;
  const [first] = operands;
  const alike = operands.every(
    ({ reads }) => reads?.within.low === first?.reads?.within.low && reads?.within.high === first?.reads?.within.high,
  );
  return alike || operands.some(({ reads }) => reads?.placed !== undefined) ? undefined : sizes.reduce(divisor);
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** An operand as an element of the result reads it. */
function mixed({ reads, shape }: Operand, input: number, mixes: readonly Mix[], result: Shape): Reads | undefined {
  if (reads?.placed === undefined) return reads;
  const { placed, within } = reads;
  const along = mixes.find(({ axis, inputs }) => axis === placed.axis && (inputs === undefined || inputs.includes(input)));
  if (shape[placed.axis] !== result[placed.axis]) return spread(reads);
  if (along === undefined) return reads;
  // A directed op keeps the direction only where all of a row comes before all of the next.
  if (!along.directed || placed.before !== 1) return spread(reads);
  return { within, placed: { ...placed, shift: { low: Number.NEGATIVE_INFINITY, high: placed.shift.high } } };
}

/** Element by element: where operands disagree on where the rows lie, one of them is right and the others are read whole. */
function joined(all: readonly (Reads | undefined)[]): Reads | undefined {
  const present = all.filter((reads) => reads !== undefined);
  if (present.length === 0) return undefined;
  const within = hull(present.map((reads) => reads.within));
  const places = present.flatMap(({ placed }) => placed ?? []);
  const distinct = places.filter((place, i) => places.findIndex((other) => samePlace(place, other)) === i);
  const shiftAt = (reads: Reads, place: Placed) =>
    reads.placed !== undefined && samePlace(reads.placed, place) ? reads.placed.shift : shiftOf(reads.within, place.length);
  const found = distinct.map((place) => placedReads(within, { ...place, shift: hull(present.map((reads) => shiftAt(reads, place))) }));
  return nearest([...found, { within }]);
}

function samePlace(a: Placed, b: Placed): boolean {
  return a.axis === b.axis && a.before === b.before && a.length === b.length && a.after === b.after;
}

function hull(ranges: readonly Range[]): Range {
  return ranges.reduce((all, { low, high }) => ({ low: Math.min(all.low, low), high: Math.max(all.high, high) }));
}

/** Of several true claims the one whose rows read the fewest rows after them, then before them; nothing is best, no place worst. */
function nearest(claims: readonly (Reads | undefined)[]): Reads | undefined {
  const later = (reads: Reads) => (reads.placed === undefined ? Number.POSITIVE_INFINITY : Math.max(0, reads.placed.shift.high));
  const earlier = (reads: Reads) => (reads.placed === undefined ? Number.POSITIVE_INFINITY : Math.max(0, -reads.placed.shift.low));
  return claims.reduce((best, claim) => {
    if (best === undefined || claim === undefined) return undefined;
    const difference = later(claim) - later(best) || earlier(claim) - earlier(best);
    return difference < 0 ? claim : best;
  });
}
