/** Where each value of a graph lies on the device: its buffer, the order of its axes in memory, and its dtype there. */

import { chain, follow } from "../emit/wgsl/chain.ts";
import type { Stored } from "../emit/wgsl/kernel-writer.ts";
import { type Graph, type OpValue, sizeOf, type TensorType, type Value, type ValueId, valuesById } from "../graph/graph.ts";
import { opEntry } from "../ops/table.ts";
import { type Coordinate, rowMajor, variable } from "./coordinates.ts";
import type { Group } from "./fuse.ts";

export interface Storage {
  readonly stored: (id: ValueId) => Stored | undefined;
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

export function placeValues(graph: Graph, groups: readonly Group[]): Storage {
  const byId = valuesById(graph);
  const places = new Map<ValueId, Stored>();
  const statistics = new Map<ValueId, Stored>();
  const results = new Map<Group, Stored>();
  const outputs = new Map(graph.outputs.map((output) => [output.value, outputBuffer(output.name)]));
  for (const value of graph.values) {
    if (value.kind === "input") places.set(value.id, plain(inputBuffer(value.name), value.type));
    if (value.kind === "op" && value.op === "embedding") placeTable(byId(value.inputs[1] ?? -1), places);
  }
  for (const group of groups) {
    const stored = place(group, places, byId, outputs.get(group.tail.id), statistics);
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
    statistics: (id) => statistics.get(id),
    result: (group) => results.get(group) as Stored,
  };
}

/** As applications give and take tensors: row-major, floats in f32. */
function plain(buffer: string, type: TensorType): Stored {
  const dtype = type.dtype === "i32" ? "i32" : "f32";
  return { buffer, dtype, elements: sizeOf(type.shape), strides: rowMajor(type.shape), start: 0 };
}

function placeTable(table: Value, places: Map<ValueId, Stored>): void {
  if (table.kind !== "weight") throw new Error("storage: an embedding whose table is no weight");
  const { shape, dtype } = table.type;
  places.set(table.id, { buffer: `table:${table.path}`, dtype, elements: sizeOf(shape), strides: rowMajor(shape), start: 0 });
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
    const images = shape.slice(0, -3);
    const stored = plain(`statistics:${tail.id}`, { dtype: "f32", shape: [...images, Number(tail.attributes.groups), 2] });
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
  const lane = core === undefined ? laneOfSource(tail, places, byId) : laneOfCore(core, tail, byId);
  const strides = innermost(shape, lane);
  const halves = dtype === "f16" && (shape[lane] ?? 1) % 4 === 0 && writesFours(core);
  return { buffer, dtype: halves ? "f16" : "f32", elements: sizeOf(shape), strides, start: 0 };
}

function writesFours(core: OpValue | undefined): boolean {
  if (core === undefined) return true;
  if (core.op === "softmax" || core.op === "maskedSoftmax") return false;
  return core.op !== "attend" || ((core.type.shape.at(-1) ?? 1) / Number(core.attributes.heads)) % 4 === 0;
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

function probes(shape: readonly number[]): readonly Coordinate[] {
  return shape.map((size, axis) => variable(`p${axis}`, size));
}

/** The tail's axis that the core's channels stand on: pictures come channels-last, rows as they are. */
function laneOfCore(core: OpValue, tail: OpValue, byId: (id: ValueId) => Value): number {
  const channel = core.type.shape.length - (core.op === "conv2d" ? 3 : 1);
  // A gated product's columns are the pairs' that follow it.
  const from = core.op === "linear" ? (gatedBelow(tail, core, byId) ?? core) : core;
  const at = follow(chain(from, tail, byId), probes(from.type.shape));
  const lane = at.findIndex((place) => place.some((digit) => digit.base === `p${channel}` && digit.divisor === 1));
  return lane < 0 ? tail.type.shape.length - 1 : lane;
}

/** The geglu between a linear and its tail, if there is one. */
export function gatedBelow(tail: OpValue, core: OpValue, byId: (id: ValueId) => Value): OpValue | undefined {
  const visit = (op: OpValue): OpValue | undefined => {
    if (op.op === "geglu" && op.inputs[0] === core.id) return op;
    if (op.id === core.id || opEntry(op.op).wgsl.kind === "kernel") return undefined;
    for (const id of op.inputs) {
      const value = byId(id);
      const found = value.kind === "op" ? visit(value) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(tail);
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
    const { wgsl } = opEntry(value.op);
    const [input = -1] = value.inputs;
    if (wgsl.kind === "move") return visit(input, wgsl.source(at, value, byId(input).type.shape));
    if (wgsl.kind !== "element" && value.op !== "concat") return undefined;
    for (const one of value.inputs) {
      if (byId(one).type.shape.length !== at.length) continue;
      const found = visit(one, at);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(tail.id, probes(shape)) ?? last;
}
