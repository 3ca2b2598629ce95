/** The forms of ops that read their inputs at places of their own. */

import { startsOf } from "../../../ops/concat.ts";
import { signedRates } from "../../../ops/rotary.ts";
import { inputAt } from "../../../ops/rules.ts";
import { frequencies } from "../../../ops/sinusoid.ts";
import { across, type Coordinate, moved, scalar, stretched, variable } from "../layout/coordinates.ts";
import { type ElementReader, type GatherForm, isShared, nameFor, type Width } from "./form.ts";
import { cosineOf, geluOf, sineOf } from "./functions.ts";

/** Kernels run in the order of the graph. */
export const after: GatherForm<"after"> = {
  kind: "gather",
  write: (reader, { inputs: [x = -1] }, at, width) => reader.read(x, at, width),
};

export const cast: GatherForm<"cast"> = {
  kind: "gather",
  write: (reader, op, at, width) => {
    const [x = -1] = op.inputs;
    const [from, to] = [reader.dtypeOf(x), op.type.dtype];
    const one = (place: readonly Coordinate[]) => reader.read(x, place, 1);
    if (to === "i32") return from === "i32" ? one(at) : `i32(trunc(${one(at)}))`;
    if (from !== "i32") return reader.read(x, at, width);
    if (width === 1) return `f32(${one(at)})`;
    const each = reader.neighbours(at).map((place) => `f32(${one(place)})`);
    return `vec4<f32>(${each.join(", ")})`;
  },
};

/** Four neighbours that are read each for itself. */
function oneByOne(reader: ElementReader, at: readonly Coordinate[], write: (at: readonly Coordinate[]) => string): string {
  const each = reader.neighbours(at).map((one) => reader.name(write(one)));
  return `vec4<f32>(${each.join(", ")})`;
}

/** Reads the input that holds the place, which is asked from the last input to the first. */
export const concat: GatherForm<"concat"> = {
  kind: "gather",
  write: (reader, op, at, width) => {
    const { axis } = op.attributes;
    const starts = startsOf(op.inputs.map((id) => inputAt(reader.shapeOf(id), axis)));
    if (width === 4 && starts.some((start) => start % 4 !== 0) && !isShared(reader, [inputAt(at, axis)])) {
      // Four neighbours may lie in two inputs.
      return oneByOne(reader, at, (one) => concat.write(reader, op, one, 1));
    }
    const place = inputAt(at, axis);
    const whole = scalar(place);
    const from = (input: number): string => {
      const id = inputAt(op.inputs, input);
      const start = inputAt(starts, input);
      const inside = moved(place, inputAt(reader.shapeOf(id), axis), -start);
      const read = () =>
        reader.read(
          id,
          at.map((other, i) => (i === axis ? inside : other)),
          width,
        );
      return input === 0 ? read() : reader.choose(`${whole} >= ${start}u`, width, read, () => from(input - 1), op.type.dtype);
    };
    return from(op.inputs.length - 1);
  },
};

export const pad: GatherForm<"pad"> = {
  kind: "gather",
  write: (reader, op, at, width) => {
    const [x = -1] = op.inputs;
    const { axis, before, after } = op.attributes;
    if (before + after === 0) return reader.read(x, at, width);
    const place = inputAt(at, axis);
    const size = inputAt(reader.shapeOf(x), axis);
    if (width === 4 && (before % 4 !== 0 || size % 4 !== 0) && !isShared(reader, [place])) {
      // Of four neighbours some may be zeros.
      return oneByOne(reader, at, (one) => pad.write(reader, op, one, 1));
    }
    const whole = scalar(place);
    const read = () => reader.read(x, at.with(axis, moved(place, size, -before)), width);
    const zero = () => (width === 4 ? "vec4<f32>()" : "0.0");
    return reader.choose(`${whole} >= ${before}u && ${whole} < ${before + size}u`, width, read, zero);
  },
};

export const embedding: GatherForm<"embedding"> = {
  kind: "gather",
  write: (reader, op, at, width) => {
    const [tokens = -1, table = -1] = op.inputs;
    const row = (place: readonly Coordinate[], lanes: Width) => {
      const token = reader.name(`u32(${reader.read(tokens, place.slice(0, -1), 1)})`);
      return reader.row(table, token, place.at(-1) ?? [], lanes);
    };
    // Neighbours along the tokens have a row each.
    if (width === 1 || isShared(reader, at.slice(0, -1))) return row(at, width);
    return oneByOne(reader, at, (place) => row(place, 1));
  },
};

export const gather: GatherForm<"gather"> = {
  kind: "gather",
  readsElsewhere: true,
  write: (reader, op, at, width) => {
    const [x = -1, indices = -1] = op.inputs;
    const { axis } = op.attributes;
    const rank = reader.shapeOf(indices).length;
    const place = at.slice(axis, axis + rank);
    // Neighbours along the indices have a place each.
    if (width === 4 && !isShared(reader, place)) return oneByOne(reader, at, (one) => gather.write(reader, op, one, 1));
    const index = reader.name(`u32(${reader.read(indices, place, 1)})`);
    return reader.read(x, at.toSpliced(axis, rank, variable(index, inputAt(reader.shapeOf(x), axis))), width);
  },
};

/** x cos(angle) + partner sin(angle); of neighbours that are whole pairs the partners are at hand. */
export const rotary: GatherForm<"rotary"> = {
  kind: "gather",
  readsElsewhere: true,
  write: (reader, op, at, width) => {
    const [x = -1, positions = -1] = op.inputs;
    const type = width === 4 ? "vec4<f32>" : "f32";
    const [rows, place] = [at.slice(0, -1), at.at(-1) ?? []];
    const size = reader.shapeOf(x).at(-1) ?? 2;
    const partner = op.attributes.pairs === "halves" ? acrossHalves(place, size) : undefined;
    const isStill = width === 1 || isShared(reader, [place]);
    if (width === 4 && !(isShared(reader, rows) && (isStill || isInOrder(partner ?? place))))
      return oneByOne(reader, at, (one) => rotary.write(reader, op, one, 1));
    const own = reader.name(reader.read(x, at, width));
    const other =
      partner !== undefined
        ? reader.read(x, [...rows, partner], width)
        : isStill
          ? reader.read(x, [...rows, variable(`(${scalar(place)} ^ 1u)`, size)], width)
          : `${own}.yxwz`;
    const position = `f32(${reader.read(positions, stretched(rows, reader.shapeOf(positions)), 1)})`;
    const angle = reader.name(`${position} * ${reader.name(reader.table(signedRates(size, op.attributes), place, width))}`);
    reader.define(cosineOf(type));
    reader.define(sineOf(type));
    const [cosine, sine] = [nameFor("cosine", type), nameFor("sine", type)];
    return `${own} * ${cosine}(${angle}, ${type}(0.0)) + ${other} * ${sine}(${angle})`;
  },
};

/** Whether the four neighbours are four elements one after another, from a multiple of four on. */
function isInOrder(place: Coordinate): boolean {
  return place.every((digit, i) => across(digit) === (i === place.length - 1 ? "next" : "same"));
}

/** The same place in the other half of an axis. */
function acrossHalves(place: Coordinate, size: number): Coordinate {
  return moved(place, size, size / 2).map((digit) => ({
    ...digit,
    base: `(${digit.base} % ${size}u)`,
    ...(digit.quarter === undefined ? {} : { quarter: `(${digit.quarter} % ${size / 4}u)` }),
  }));
}

export const geglu: GatherForm<"geglu"> = {
  kind: "gather",
  write: (reader, op, at, width) => {
    const [x = -1] = op.inputs;
    const both = reader.shapeOf(x).at(-1) ?? 2;
    const half = (start: number) => reader.read(x, [...at.slice(0, -1), moved(at.at(-1) ?? [], both, start)], width);
    const gate = reader.name(half(both / 2));
    return `${half(0)} * ${reader.name(geluOf(gate, width === 4 ? "vec4<f32>" : "f32", reader))}`;
  },
};

export const sinusoid: GatherForm<"sinusoid"> = {
  kind: "gather",
  write: (reader, op, at, width) => {
    const [t = -1] = op.inputs;
    const rates = frequencies(op.attributes);
    const type = width === 4 ? "vec4<f32>" : "f32";
    reader.define(cosineOf(type));
    const [row = [], column = []] = at;
    // A sine is the cosine a quarter of a turn before.
    const behind = op.attributes.order === "cos-sin" ? [0, 0.25] : [0.25, 0];
    const turns = behind.flatMap((turn) => rates.map(() => turn));
    const angle = `${reader.read(t, [row], width)} * ${reader.name(reader.table([...rates, ...rates], column, width))}`;
    return `${nameFor("cosine", type)}(${angle}, ${reader.table(turns, column, width)})`;
  },
};
