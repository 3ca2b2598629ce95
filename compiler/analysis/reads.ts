/** Inputs' axes to the positions along them ("rows") that the elements of each value may read, from what every op mixes. */

import { type Graph, type OpValue, sizeOf, type Value, type ValueId } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { Mix, Pace } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";
import {
  atRate,
  composed,
  divisor,
  hull,
  moved,
  paceOf,
  type Range,
  readAt,
  repeatedPlaces,
  samePace,
  sameRange,
  sameRate,
  still,
} from "./pace.ts";

/** Row p of a value is index (…·length + p)·after + … of dimension `axis`, after `before` outer copies; it reads an input's rows at the pace. */
export interface Placed {
  readonly axis: number;
  readonly before: number;
  readonly length: number;
  readonly after: number;
  readonly pace: Pace;
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

function sourceReads(value: Exclude<Value, OpValue>, axes: ReadonlyMap<string, number>): Reads | undefined {
  const axis = value.kind === "input" ? axes.get(value.name) : undefined;
  const length = axis === undefined ? undefined : value.type.shape[axis];
  if (axis === undefined || length === undefined) return undefined;
  return placedReads({ low: 0, high: length - 1 }, { axis, before: 1, length, after: 1, pace: still });
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
  return samePlace(a.placed, b.placed) && samePace(a.placed.pace, b.placed.pace);
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
  const { length, pace } = placed;
  const low = Math.max(within.low, readAt(pace, 0).low);
  const high = Math.min(within.high, readAt(pace, length - 1).high);
  if (low > high) return undefined;
  return length === 1 ? { within: { low, high } } : { within: { low, high }, placed };
}

/** Without a place, each element may read all. */
function spread(reads: Reads | undefined): Reads | undefined {
  return reads && { within: reads.within };
}

/** Each index of a row as a row of its own. */
export function unfolded(placed: Placed): Placed {
  const { length, after, pace } = placed;
  return after === 1 ? placed : { ...placed, length: length * after, after: 1, pace: composed(repeatedPlaces(after), pace) };
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

function sliced({ reads }: Operand, { axis, start, size }: OpAttributes["slice"]): Reads | undefined {
  if (reads?.placed?.axis !== axis) return reads;
  const { within } = reads;
  const placed = start % reads.placed.after === 0 && size % reads.placed.after === 0 ? reads.placed : unfolded(reads.placed);
  const { length, after, pace } = placed;
  const copy = length * after;
  if (start % copy === 0 && size % copy === 0) return { within, placed: { ...placed, before: size / copy } };
  const offset = start % copy;
  if (offset + size > copy) return spread(reads);
  return placedReads(within, { axis, before: 1, length: size / after, after, pace: composed(moved(offset / after), pace) });
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
  const along = operands.flatMap(({ reads }) => (reads?.placed?.axis === axis && reads.placed.before === 1 ? [reads.placed] : []));
  const after = rowSize(operands, axis, along[0]);
  if (after === undefined) return along.some((placed) => placed.after > 1) ? inSequence(operands.map(ofUnfolded), axis) : undefined;
  const rate = along.find((placed) => placed.after === after)?.pace ?? still;
  const paces: Pace[] = [];
  let length = 0;
  for (const { reads, shape } of operands) {
    const count = (shape[axis] ?? 1) / after;
    const placed = reads?.placed;
    if (placed?.axis === axis && placed.before === 1 && placed.after === after)
      paces.push(atRate(composed(moved(-length), placed.pace), rate, length + count));
    else if (reads !== undefined) paces.push(paceOf(reads.within, rate, count, length));
    length += count;
  }
  return { axis, before: 1, length, after, pace: { ...rate, ...hull(paces) } };
}

function ofUnfolded({ shape, reads }: Operand): Operand {
  return { shape, reads: reads?.placed === undefined ? reads : { ...reads, placed: unfolded(reads.placed) } };
}

/** Of all rows: parts of them that are alike in number follow one another. */
function inCopies(operands: readonly Operand[], axis: number, length: number): Placed | undefined {
  const along = operands.find(({ reads }) => reads?.placed?.axis === axis && reads.placed.length === length)?.reads?.placed;
  if (along === undefined) return undefined;
  const { after, pace: rate } = along;
  const copies = operands.map(({ shape }) => (shape[axis] ?? 1) / (length * after));
  if (!copies.every(Number.isInteger)) return undefined;
  const paces = operands.flatMap(({ reads }) => {
    if (reads === undefined) return [];
    const { placed, within } = reads;
    const alike = placed?.axis === axis && placed.length === length && placed.after === after && sameRate(placed.pace, rate);
    return [alike ? placed.pace : paceOf(within, rate, length)];
  });
  return { axis, before: copies.reduce((sum, count) => sum + count), length, after, pace: { ...rate, ...hull(paces) } };
}

/** How much of the axis a row of a concatenation takes, the first that lies `along` it given; undefined where the parts are no rows. */
function rowSize(operands: readonly Operand[], axis: number, along: Placed | undefined): number | undefined {
  const sizes = operands.map(({ shape }) => shape[axis] ?? 1);
  if (along !== undefined) return sizes.every((size) => size % along.after === 0) ? along.after : undefined;
  const [first] = operands;
  const alike = operands.every(
    ({ reads }) => reads?.within.low === first?.reads?.within.low && reads?.within.high === first?.reads?.within.high,
  );
  return alike || operands.some(({ reads }) => reads?.placed !== undefined) ? undefined : sizes.reduce(divisor);
}

/** An operand as an element of the result reads it. */
function mixed({ reads, shape }: Operand, input: number, mixes: readonly Mix[], result: Shape): Reads | undefined {
  if (reads?.placed === undefined) return reads;
  const { placed, within } = reads;
  const along = mixes.find(({ axis, inputs }) => axis === placed.axis && (inputs === undefined || inputs.includes(input)));
  const length = result[placed.axis] ?? 1;
  const sized = shape[placed.axis] === length;
  if (along === undefined) return sized ? reads : spread(reads);
  // Places that are read in order keep the order of rows only where all of a row comes before all of the next.
  if (placed.before !== 1) return spread(reads);
  if (sized && along.directed && (along.pace === undefined || placed.after > 1))
    return { within, placed: { ...placed, pace: { ...placed.pace, low: Number.NEGATIVE_INFINITY } } };
  if (along.pace === undefined) return spread(reads);
  return placedReads(within, { ...unfolded(placed), length, pace: composed(along.pace, unfolded(placed).pace) });
}

/** Element by element: where operands disagree on where the rows lie, one of them is right and the others are read whole. */
function joined(all: readonly (Reads | undefined)[]): Reads | undefined {
  const present = all.filter((reads) => reads !== undefined);
  if (present.length === 0) return undefined;
  const within = hull(present.map((reads) => reads.within));
  const places = present.flatMap(({ placed }) => placed ?? []);
  const alike = (one: Placed, other: Placed) => samePlace(one, other) && sameRate(one.pace, other.pace);
  const distinct = places.filter((place, i) => places.findIndex((other) => alike(place, other)) === i);
  const paceAt = ({ placed, within: all }: Reads, place: Placed) =>
    placed !== undefined && samePlace(placed, place)
      ? atRate(placed.pace, place.pace, place.length)
      : paceOf(all, place.pace, place.length);
  const found = distinct.map((place) =>
    placedReads(within, { ...place, pace: { ...place.pace, ...hull(present.map((reads) => paceAt(reads, place))) } }),
  );
  return nearest([...found, { within }]);
}

function samePlace(a: Placed, b: Placed): boolean {
  return a.axis === b.axis && a.before === b.before && a.length === b.length && a.after === b.after;
}

/** Of several true claims the one whose rows read the fewest rows after them, then before them; nothing is best, no place worst. */
function nearest(claims: readonly (Reads | undefined)[]): Reads | undefined {
  const later = ({ placed }: Reads) => (placed === undefined ? Number.POSITIVE_INFINITY : Math.max(0, placed.pace.high / placed.pace.per));
  const earlier = ({ placed }: Reads) =>
    placed === undefined ? Number.POSITIVE_INFINITY : Math.max(0, -placed.pace.low / placed.pace.per);
  return claims.reduce((best, claim) => {
    if (best === undefined || claim === undefined) return undefined;
    const difference = later(claim) - later(best) || earlier(claim) - earlier(best);
    return difference < 0 ? claim : best;
  });
}
