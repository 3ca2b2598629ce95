/** Where each value of a graph lies on the device: its buffer, the order of its axes in memory, and its dtype there. */

import {
  bytesOfDType,
  type Graph,
  type OpValue,
  type OpValueOf,
  sizeOf,
  type TensorType,
  type Value,
  type ValueId,
  valuesById,
} from "../../../graph/graph.ts";
import type { OpName } from "../../../graph/op-names.ts";
import { chain, follow, gatedBelow } from "../forms/chain.ts";
import { formOf } from "../forms/table.ts";
import { channelsFromEnd } from "../forms/windows.ts";
import { type Coordinate, probes, rowMajor } from "../layout/coordinates.ts";
import { coreOf, type Group, isInPlace } from "../layout/group.ts";
import type { Stored, TableRows } from "../layout/stored.ts";

export interface Storage {
  readonly stored: (id: ValueId) => Stored | undefined;
  readonly table: (id: ValueId) => readonly TableRows[];
  readonly statistics: (id: ValueId) => Stored | undefined;
  /** Where a group's kernel writes: of siblings, the buffer of all. */
  readonly result: (group: Group) => Stored;
}

export function outputBuffer(name: string): string {
  return `output:${name}`;
}

export function inputBuffer(name: string): string {
  return `input:${name}`;
}

/** `limit` is the largest binding in bytes. */
export function placeValues(graph: Graph, groups: readonly Group[], limit: number): Storage {
  const byId = valuesById(graph);
  const places = new Map<ValueId, Stored>();
  const statistics = new Map<ValueId, Stored>();
  const tables = new Map<ValueId, readonly TableRows[]>();
  const results = new Map<Group, Stored>();
  const outputs = new Map(graph.outputs.map((output) => [output.value, outputBuffer(output.name)]));
  for (const value of graph.values) {
    if (value.kind === "input") places.set(value.id, plain(inputBuffer(value.name), value.type));
    if (value.kind === "op" && value.op === "embedding") {
      const table = byId(value.inputs[1] ?? -1);
      tables.set(table.id, tableRows(table, limit));
    }
  }
  const pieces = placePieces(graph, groups, places, outputs, byId);
  for (const group of groups) {
    const stored =
      (group.kind === "kernel" ? pieces.get(group.tail.id) : undefined) ??
      place(group, places, byId, outputs.get(group.tail.id), statistics);
    results.set(group, stored);
    if (group.kind === "kernel" && group.siblings.length === 0) places.set(group.tail.id, stored);
    let start = 0;
    for (const one of group.siblings) {
      const width = one.type.shape.at(-1) ?? 1;
      const columns = stored.strides.at(-2) ?? 1;
      const strides = rowMajor(one.type.shape).map((stride, axis, all) => (axis === all.length - 1 ? 1 : (stride / width) * columns));
      places.set(one.id, { ...stored, strides, start });
      start += width;
    }
  }
  return {
    stored: (id) => places.get(id),
    table: (id) => tables.get(id) ?? [],
    statistics: (id) => statistics.get(id),
    result: (group) => results.get(group) as Stored,
  };
}

/** Concatenations whose inputs are computed where they are to lie: the buffer of the whole, and each piece's part of it. */
function placePieces(
  graph: Graph,
  groups: readonly Group[],
  places: Map<ValueId, Stored>,
  outputs: ReadonlyMap<ValueId, string>,
  byId: (id: ValueId) => Value,
): ReadonlyMap<ValueId, Stored> {
  const pieces = new Map<ValueId, Stored>();
  const makers = new Map(groups.flatMap((group) => (group.kind === "kernel" ? [[group.tail.id, group] as const] : [])));
  // The outer before the inner: a piece may have been cut again.
  for (const op of [...graph.values].reverse()) {
    if (!isInPlace(op)) continue;
    const output = outputs.get(op.id);
    const own = output === undefined ? wholePlace(op, makers, byId) : plain(output, op.type);
    const whole = pieces.get(op.id) ?? own;
    places.set(op.id, whole);
    let { start } = whole;
    const axis = op.attributes.axis;
    for (const id of op.inputs) {
      pieces.set(id, { ...whole, start });
      start += (byId(id).type.shape[axis] ?? 0) * (whole.strides[axis] ?? 0);
    }
  }
  return pieces;
}

/** Where a value lies that is computed in place: channels innermost, in halves where every piece is written in fours. */
function wholePlace(op: OpValueOf<"concat">, makers: ReadonlyMap<ValueId, Group>, byId: (id: ValueId) => Value): Stored {
  const { shape, dtype } = op.type;
  const buffer = `value:${op.id}`;
  if (dtype === "i32") return plain(buffer, op.type);
  const channels = channelsOf(shape);
  const inFours = (id: ValueId): boolean => {
    const piece = byId(id);
    if (isInPlace(piece)) return piece.inputs.every(inFours);
    const group = makers.get(id);
    const lane = group?.core === undefined ? channels : laneOfCore(group, group.core, byId);
    return (piece.type.shape[channels] ?? 1) % 4 === 0 && lane === channels && writesFours(group?.core);
  };
  const halves = dtype === "f16" && op.inputs.every(inFours);
  return { buffer, dtype: halves ? "f16" : "f32", elements: sizeOf(shape), strides: innermost(shape, channels), start: 0 };
}

/** The axis that pictures [B, F, C, H, W] and tokens [N, S, C] have their channels on. */
export function channelsOf(shape: readonly number[]): number {
  return shape.length === 5 ? 2 : shape.length - 1;
}

/** As applications give and take tensors: row-major, floats in f32. */
function plain(buffer: string, type: TensorType): Stored {
  const dtype = type.dtype === "i32" ? "i32" : "f32";
  return { buffer, dtype, elements: sizeOf(type.shape), strides: rowMajor(type.shape), start: 0 };
}

/** How a table's rows lie in memory, and how many fit a binding. */
function rowsOf({ dtype: wanted, shape }: TensorType, limit: number) {
  const [rows = 1, width = 1] = shape;
  const dtype = wanted === "f16" && width % 4 === 0 ? "f16" : "f32";
  return { rows, width, dtype, most: Math.max(1, Math.floor(limit / (width * bytesOfDType[dtype]))) } as const;
}

/** How many bindings a table takes. */
export function rowRuns(type: TensorType, limit: number): number {
  const { rows, most } = rowsOf(type, limit);
  return Math.ceil(rows / most);
}

/** A table in as few runs of rows as fit a binding each. */
function tableRows(table: Value, limit: number): readonly TableRows[] {
  if (table.kind !== "weight") throw new Error("storage: an embedding whose table is no weight");
  const { rows, width, dtype, most } = rowsOf(table.type, limit);
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => {
    const [first, count] = [i * most, Math.min(most, rows - i * most)];
    const buffer = `table:${table.path}:${first}`;
    return { first, rows: count, stored: { buffer, dtype, elements: count * width, strides: [width, 1], start: 0 } };
  });
}

function place(
  group: Group,
  places: ReadonlyMap<ValueId, Stored>,
  byId: (id: ValueId) => Value,
  output: string | undefined,
  statistics: Map<ValueId, Stored>,
): Stored {
  const { tail, core } = group;
  const { shape, dtype } = tail.type;
  if (group.kind === "statistics") {
    const stored = plain(`statistics:${tail.id}`, { dtype: "f32", shape: statisticsShape(group) });
    statistics.set(tail.id, stored);
    return stored;
  }
  if (output !== undefined) return plain(output, tail.type);
  const buffer = `value:${tail.id}`;
  if (dtype === "i32") return plain(buffer, tail.type);
  if (group.siblings.length > 0) {
    const columns = group.siblings.reduce((sum, one) => sum + (one.type.shape.at(-1) ?? 1), 0);
    const whole = plain(buffer, { dtype, shape: [sizeOf(shape.slice(0, -1)), columns] });
    return { ...whole, dtype: dtype === "f16" ? "f16" : "f32" };
  }
  const lane = core === undefined ? laneOfSource(tail, places, byId) : laneOfCore(group, core, byId);
  const strides = innermost(shape, lane);
  const halves = dtype === "f16" && (shape[lane] ?? 1) % 4 === 0 && writesFours(core);
  return { buffer, dtype: halves ? "f16" : "f32", elements: sizeOf(shape), strides, start: 0 };
}

/** A mean and a reciprocal deviation of each picture's groups. */
export function statisticsShape(group: Group): readonly number[] {
  const { type, attributes } = coreOf(group, "groupNorm");
  return [...type.shape.slice(0, -3), attributes.groups, 2];
}

/** Kernels that go through a row of any axis element by element. */
const oneByOne: ReadonlySet<OpName> = new Set(["softmax", "maskedSoftmax", "sum", "mean", "max", "scatterAdd", "convWeightGradient"]);

/** Whether the kernel of a core writes four channels at once: else it has no halves to write, of which two share a word. */
function writesFours(core: OpValue | undefined): boolean {
  if (core === undefined) return true;
  if (oneByOne.has(core.op)) return false;
  const channels = core.type.shape.at(-channelsFromEnd(core.op)) ?? 1;
  return (core.op === "attend" ? channels / core.attributes.heads : channels) % 4 === 0;
}

/** Strides with one axis innermost and the others in their order before it. */
function innermost(shape: readonly number[], lane: number): readonly number[] {
  const order = [...shape.keys()].filter((axis) => axis !== lane).concat(lane);
  const strides = new Array<number>(shape.length).fill(1);
  let stride = 1;
  for (const axis of order.reverse()) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

/** The tail's axis that the core's channels stand on: pictures come channels-last, rows as they are. */
function laneOfCore({ tail, gated }: Group, core: OpValue, byId: (id: ValueId) => Value): number {
  const channel = core.type.shape.length - channelsFromEnd(core.op);
  // A gated product's columns are the pairs' that follow it.
  const from = gated ? (gatedBelow(tail, core, byId) ?? core) : core;
  const at = follow(chain(from, tail, byId), probes(from.type.shape));
  const lane = at.findIndex((place) => place.some((digit) => digit.base === `p${channel}` && digit.divisor === 1));
  return lane < 0 ? tail.type.shape.length - 1 : lane;
}

/** The tail's axis that is innermost in a source of its size; without one, the last. */
function laneOfSource(tail: OpValue, places: ReadonlyMap<ValueId, Stored>, byId: (id: ValueId) => Value): number {
  const { shape } = tail.type;
  const last = shape.length - 1;
  const axisOf = (place: Coordinate | undefined): number | undefined => {
    const digit = place?.at(-1);
    const lane = digit?.divisor === 1 ? shape.findIndex((_, i) => digit.base === `p${i}`) : -1;
    return lane < 0 ? undefined : lane;
  };
  const visit = (id: ValueId, at: readonly Coordinate[]): number | undefined => {
    const value = byId(id);
    const stored = id === tail.id ? undefined : places.get(id);
    if (stored !== undefined) return axisOf(at[stored.strides.findIndex((stride, i) => stride === 1 && (value.type.shape[i] ?? 1) > 1)]);
    if (value.kind !== "op" || sizeOf(value.type.shape) * 2 <= sizeOf(shape)) return undefined;
    if (value.op === "groupNorm") return axisOf(at.at(-3));
    const form = formOf(value.op);
    const [input = -1] = value.inputs;
    if (form.kind === "move") return visit(input, form.source(at, value, byId(input).type.shape));
    if (form.kind !== "element" && value.op !== "concat" && value.op !== "pad") return undefined;
    for (const one of value.inputs) {
      if (byId(one).type.shape.length !== at.length) continue;
      const found = visit(one, at);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(tail.id, probes(shape)) ?? last;
}
