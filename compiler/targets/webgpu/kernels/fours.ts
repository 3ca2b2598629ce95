/** A matmul's first operand that lies in no run, as gradients multiply them, to sums that load four of its numbers at once. */

import type { ValueId } from "../../../graph/graph.ts";
import { formOf } from "../forms/table.ts";
import { across, address, type Coordinate, type Digit, scalar, variable } from "../layout/coordinates.ts";
import type { Stored } from "../layout/stored.ts";
import type { KernelWriter } from "./kernel-writer.ts";
import { innerQuarter, innerVariable } from "./operand.ts";
import type { Shape } from "./product.ts";
import type { Scene } from "./reader.ts";

/**
 * How a matmul's first operand lies in fours where it is no run: rows side by side, as of one that is transposed, or places
 * of the inner axis, as where that was heads. Gradients multiply such; else a thread would load number by number.
 */
export function foursOf(scene: Scene, x: ValueId, shape: Shape, rows: number, rowsOfBatch: number): "rows" | "inner" | undefined {
  const row = variable("row0", shape.rows);
  const inFours = (one: Coordinate) => one.map((digit) => ({ ...digit, quarter: "q" }));
  const k = variable(innerVariable, shape.inner);
  if (shape.inner % 4 === 0 && isInFours(scene, x, shape.operandAt(row, inFours(k)))) return "inner";
  const evenly = rows % 4 === 0 && rowsOfBatch % rows === 0;
  return evenly && isInFours(scene, x, shape.operandAt(inFours(row), k)) ? "rows" : undefined;
}

interface Fours {
  readonly x: ValueId;
  readonly shape: Shape;
  readonly rows: number;
  /** Four columns of the second operand at a place of the inner axis. */
  readonly second: (k: string) => string;
}

const lanes = ["x", "y", "z", "w"] as const;

/** Adds to a0, a1, … the products along the inner axis, whose every place one load reads for four rows. */
export function sumRowsInFours(
  scene: Scene,
  writer: KernelWriter,
  { x, shape, rows, second, quarterOf }: Fours & { readonly quarterOf: (four: number) => string },
): void {
  const k = variable(innerVariable, shape.inner);
  const places = Array.from({ length: rows / 4 }, (_, four) => {
    writer.lines.push(`let rows${four} = ${quarterOf(four)};`);
    return placed(scene, writer, x, shape.operandAt(variable(`row${4 * four}`, shape.rows, `rows${four}`), k));
  });
  overInner(writer, shape.inner, places[0]?.at ?? [], (split) => {
    writer.lines.push(`let m = ${second(innerVariable)};`);
    for (const [four, { stored, at }] of places.entries()) {
      const value = writer.name(writer.load4(stored, address(at.map(split), stored.strides, stored.start).quarter ?? ""));
      for (const [lane, part] of lanes.entries()) {
        const sum = `a${4 * four + lane}`;
        writer.lines.push(`${sum} = fma(vec4<f32>(${value}.${part}), m, ${sum});`);
      }
    }
  });
}

/** Adds to a0, a1, … the products along the inner axis, four of its places a turn. */
export function sumInnerInFours(
  scene: Scene,
  writer: KernelWriter,
  { x, shape, rows, second, row }: Fours & { readonly row: (j: number) => Coordinate },
): void {
  const k = variable(innerVariable, shape.inner, innerQuarter);
  const places = Array.from({ length: rows }, (_, j) => placed(scene, writer, x, shape.operandAt(row(j), k)));
  writer.block(`for (var ${innerQuarter} = 0u; ${innerQuarter} < ${shape.inner / 4}u; ${innerQuarter}++)`, () => {
    writer.lines.push(`let ${innerVariable} = ${innerQuarter} * 4u;`);
    const values = places.map(({ stored, at }) =>
      writer.name(writer.load4(stored, address(at, stored.strides, stored.start).quarter ?? "")),
    );
    for (const [lane, part] of lanes.entries()) {
      writer.lines.push(`let m${lane} = ${second(lane === 0 ? innerVariable : `${innerVariable} + ${lane}u`)};`);
      for (const [j, value] of values.entries()) writer.lines.push(`a${j} = fma(vec4<f32>(${value}.${part}), m${lane}, a${j});`);
    }
  });
}

function isInner({ base }: Digit): boolean {
  return new RegExp(`\\b(${innerVariable}|${innerQuarter})\\b`).test(base);
}

interface Place {
  readonly stored: Stored;
  readonly at: readonly Coordinate[];
}

/** Where what is at this place of a value is in memory; undefined where it must be computed. */
function storedAt(scene: Scene, id: ValueId, at: readonly Coordinate[]): Place | undefined {
  const stored = scene.stored(id);
  if (stored !== undefined) return { stored, at };
  const op = scene.value(id);
  const [input] = op.kind === "op" ? op.inputs : [];
  if (op.kind !== "op" || input === undefined) return undefined;
  const form = formOf(op.op);
  return form.kind === "move" ? storedAt(scene, input, form.source(at, op, scene.value(input).type.shape)) : undefined;
}

/** Whether one load reads the four neighbours that the place counts. */
function isInFours(scene: Scene, id: ValueId, at: readonly Coordinate[]): boolean {
  const place = storedAt(scene, id, at);
  return place !== undefined && address(place.at, place.stored.strides, place.stored.start).quarter !== undefined;
}

/** The place in memory with what does not hang on the inner variable named before the loop: compilers of shaders leave divisions where they stand. */
function placed(scene: Scene, writer: KernelWriter, id: ValueId, at: readonly Coordinate[]): Place {
  const place = storedAt(scene, id, at);
  if (place === undefined) throw new Error("wgsl: an operand in fours that is not in memory");
  const named = ({ quarter, ...digit }: Digit): Digit => {
    const { size } = digit;
    const base = writer.name(scalar([digit]));
    if (quarter === undefined || across({ quarter, ...digit }) !== "next") return { base, total: size, divisor: 1, size };
    const own = writer.name(scalar([{ ...digit, base: quarter, total: digit.total / 4, size: size / 4 }]));
    return { base, total: size, divisor: 1, size, quarter: own };
  };
  return { ...place, at: place.at.map((one) => one.map((digit) => (isInner(digit) ? digit : named(digit)))) };
}

/** A loop over the inner axis, or two where it lies as two digits; `body` is told to what they turn a coordinate. */
function overInner(
  writer: KernelWriter,
  inner: number,
  at: readonly Coordinate[],
  body: (split: (one: Coordinate) => Coordinate) => void,
): void {
  const digits = at.flat().filter(({ base }) => base === innerVariable);
  const outer = digits.find(({ divisor }) => divisor > 1);
  const isSplit = digits.length === 2 && outer !== undefined && outer.divisor * outer.size === inner;
  if (!isSplit) {
    writer.block(`for (var ${innerVariable} = 0u; ${innerVariable} < ${inner}u; ${innerVariable}++)`, () => body((one) => one));
    return;
  }
  const { divisor, size } = outer;
  writer.block(`for (var k1 = 0u; k1 < ${size}u; k1++)`, () => {
    writer.block(`for (var k0 = 0u; k0 < ${divisor}u; k0++)`, () => {
      writer.lines.push(`let ${innerVariable} = k1 * ${divisor}u + k0;`);
      const turn = (digit: Digit): Digit => {
        if (digit.base !== innerVariable) return digit;
        const base = digit.divisor > 1 ? "k1" : "k0";
        return { base, total: digit.size, divisor: 1, size: digit.size };
      };
      body((one) => one.map(turn));
    });
  });
}
