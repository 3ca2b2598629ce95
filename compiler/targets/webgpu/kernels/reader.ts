/** A value at symbolic coordinates to the WGSL that computes it: index maps, element ops and loads, each once. */

import { type ConstantValue, type DType, type OpValue, type OpValueOf, sizeOf, type Value, type ValueId } from "../../../graph/graph.ts";
import type { ElementReader, Width } from "../forms/form.ts";
import { formOf } from "../forms/table.ts";
import { address, type Coordinate, neighbour, rowMajor, stretched, variable } from "../layout/coordinates.ts";
import type { Stored, TableRows } from "../layout/stored.ts";
import { upperUnit, wholeParts } from "../layout/whole-constants.ts";
import type { KernelWriter } from "./kernel-writer.ts";

/** What a kernel sees of the graph: values, and where those lie that are in memory. */
export interface Scene {
  readonly value: (id: ValueId) => Value;
  /** Undefined for what is computed in place, and for small weights. */
  readonly stored: (id: ValueId) => Stored | undefined;
  /** An embedding's table, in runs of rows that fit a binding. */
  readonly table: (id: ValueId) => readonly TableRows[];
  /** The groups' means and reciprocal deviations of a group norm, [images, groups, 2]. */
  readonly statistics: (id: ValueId) => Stored | undefined;
}

/** The variable that counts channels in a kernel; `quarterVariable` is a fourth of it. */
export const laneVariable = "ch";

export class Reader implements ElementReader {
  private known = new Map<string, string>();
  private readonly scene: Scene;
  private readonly writer: KernelWriter;
  private readonly given: ReadonlyMap<ValueId, string>;

  /** `given` are values whose elements the kernel's core has computed at the very place that is read. */
  constructor(scene: Scene, writer: KernelWriter, given: ReadonlyMap<ValueId, string> = new Map()) {
    this.scene = scene;
    this.writer = writer;
    this.given = given;
  }

  shapeOf(id: ValueId): readonly number[] {
    return this.scene.value(id).type.shape;
  }

  name(expression: string): string {
    return this.writer.name(expression);
  }

  define(source: string): void {
    this.writer.define(source);
  }

  read(id: ValueId, at: readonly Coordinate[], width: Width): string {
    const given = this.given.get(id);
    if (given !== undefined) return given;
    const key = `${id} ${width} ${placeKey(at)}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const made = this.compute(this.scene.value(id), at, width);
    const simple = /^[\w.]+$/.test(made) || /^-?[\d.e+-]+$/.test(made);
    const name = simple ? made : this.writer.name(made);
    this.known.set(key, name);
    return name;
  }

  private compute(value: Value, at: readonly Coordinate[], width: Width): string {
    const stored = this.scene.stored(value.id);
    if (stored !== undefined) return this.load(stored, at, width);
    switch (value.kind) {
      case "input":
        throw new Error(`wgsl: input ${value.name} has no buffer`);
      case "weight":
        return this.small({ path: value.path }, value.type.shape, at, width);
      case "constant":
        return value.type.dtype === "i32" ? this.wholes(value, at) : this.constant(value, at, width);
      case "op":
        return this.op(value, at, width);
    }
  }

  private constant({ data, type: { shape } }: ConstantValue, at: readonly Coordinate[], width: Width): string {
    const [first = 0] = data;
    if (data.some((number) => number !== first)) return this.small({ constant: data }, shape, at, width);
    return width === 4 ? `vec4<f32>(${literal(first)})` : literal(first);
  }

  private wholes({ data, type: { shape } }: ConstantValue, at: readonly Coordinate[]): string {
    const [first = 0] = data;
    if (data.every((number) => number === first)) return String(first);
    const [upper, lower] = wholeParts(data).map((constant) => `i32(${this.small({ constant }, shape, at, 1)})`);
    return lower === undefined ? `${upper}` : `(${upper} * ${upperUnit} + ${lower})`;
  }

  private op(op: OpValue, at: readonly Coordinate[], width: Width): string {
    if (op.op === "groupNorm") return this.groupNorm(op, at, width);
    const form = formOf(op.op);
    switch (form.kind) {
      case "element": {
        const inputs = op.inputs.map((id) => this.read(id, stretched(at, this.shapeOf(id)), width));
        return form.write(inputs, width === 4 ? "vec4<f32>" : "f32", this, op);
      }
      case "move": {
        const [input] = op.inputs;
        if (input === undefined) throw new Error(`wgsl: ${op.op} without an input`);
        return this.read(input, form.source(at, op, this.shapeOf(input)), width);
      }
      case "gather":
        return form.write(this, op, at, width);
      case "kernel":
        throw new Error(`wgsl: ${op.op} at ${op.origin.path} should have been computed by a kernel of its own`);
    }
  }

  load(stored: Stored, at: readonly Coordinate[], width: Width): string {
    const place = address(at, stored.strides, stored.start);
    if (width === 1) return this.writer.load(stored, place.text);
    if (place.quarter !== undefined) return this.writer.load4(stored, place.quarter);
    if (place.step === 0) return `vec4<f32>(${this.writer.load(stored, place.text)})`;
    return `vec4<f32>(${this.eachNeighbour(at, (one) => this.writer.load(stored, address(one, stored.strides, stored.start).text))})`;
  }

  dtypeOf(id: ValueId): DType {
    return this.scene.value(id).type.dtype;
  }

  neighbours(at: readonly Coordinate[]): readonly (readonly Coordinate[])[] {
    return [0, 1, 2, 3].map((lane) => neighbour(at, lane));
  }

  private eachNeighbour(at: readonly Coordinate[], load: (at: readonly Coordinate[]) => string): string {
    return this.neighbours(at).map(load).join(", ");
  }

  private small(
    part: { readonly path?: string; readonly constant?: readonly number[] },
    shape: readonly number[],
    at: readonly Coordinate[],
    width: Width,
  ): string {
    const start = this.writer.vector(part, sizeOf(shape));
    return this.load({ ...this.writer.vectorBlock, strides: rowMajor(shape), start }, at, width);
  }

  table(numbers: readonly number[], index: Coordinate, width: Width): string {
    return this.small({ constant: numbers }, [numbers.length], [index], width);
  }

  row(weight: ValueId, row: string, column: Coordinate, width: Width): string {
    const runs = this.scene.table(weight);
    const from = (index: number): string => {
      const run = runs[index];
      if (run === undefined) throw new Error("wgsl: a table of rows that is in no buffer");
      const { stored, first, rows } = run;
      const read = () => this.load(stored, [variable(first === 0 ? row : `(${row} - ${first}u)`, rows), column], width);
      return index === 0 ? read() : this.choose(`${row} >= ${first}u`, width, read, () => from(index - 1));
    };
    return from(runs.length - 1);
  }

  choose(condition: string, width: Width, yes: () => string, no: () => string, dtype: DType = "f32"): string {
    const name = this.writer.variable(width === 4 ? "vec4<f32>" : dtype === "i32" ? "i32" : "f32");
    for (const [head, make] of [
      [`if (${condition})`, yes],
      ["else", no],
    ] as const) {
      // What is named within a branch is not known after it.
      const outer = this.known;
      this.known = new Map(outer);
      this.writer.block(head, () => {
        const made = make();
        this.writer.lines.push(`${name} = ${made};`);
      });
      this.known = outer;
    }
    return name;
  }

  /** (x - mean) / deviation · weight + bias; the mean leaves first, so that nothing cancels late. */
  private groupNorm(op: OpValueOf<"groupNorm">, at: readonly Coordinate[], width: Width): string {
    const [x = -1, weight = -1, bias = -1] = op.inputs;
    const statistics = this.scene.statistics(op.id);
    if (statistics === undefined) throw new Error("wgsl: a group norm without its statistics");
    const { shape } = op.type;
    const channelAxis = shape.length - 3;
    const channels = shape[channelAxis] ?? 1;
    const groups = op.attributes.groups;
    const images = at.slice(0, channelAxis);
    const channel = at[channelAxis] ?? [];
    const table = { ...statistics, strides: [...rowMajor(shape.slice(0, channelAxis)).map((stride) => stride * groups * 2), 2, 1] };
    const group = (place: Coordinate): Coordinate => {
      const [digit] = place;
      if (groups === 1) return [];
      if (place.length === 1 && digit?.size === channels) return [{ ...digit, divisor: (digit.divisor * channels) / groups, size: groups }];
      throw new Error("wgsl: a group norm whose channels are split");
    };
    const statistic = (which: number): string => {
      const place = (c: Coordinate): readonly Coordinate[] => [...images, group(c), []];
      const from = { ...table, start: which };
      if (width === 1) return this.load(from, place(channel), 1);
      return this.load(from, place(channel), 4);
    };
    const element = this.read(x, at, width);
    const scale = this.read(weight, [channel], width);
    const shift = this.read(bias, [channel], width);
    return `(${element} - ${this.name(statistic(0))}) * ${this.name(statistic(1))} * ${scale} + ${shift}`;
  }
}

/** Tells places apart. */
function placeKey(at: readonly Coordinate[]): string {
  let key = "";
  for (const coordinate of at) {
    key += "|";
    for (const { base, total, divisor, size, quarter, scattered } of coordinate) {
      key += `${base},${total},${divisor},${size},${quarter},${scattered};`;
    }
  }
  return key;
}

/** A number as WGSL writes f32. */
export function literal(number: number): string {
  const text = String(Math.fround(number));
  return /[.e]/.test(text) ? text : `${text}.0`;
}
