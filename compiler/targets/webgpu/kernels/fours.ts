/** A matmul's first operand that lies in no run, as gradients multiply them, to sums that load four of its numbers at once. */

import type { ValueId } from "../../../graph/graph.ts";
import { formOf } from "../forms/table.ts";
import { address, type Coordinate, variable } from "../layout/coordinates.ts";
import type { KernelWriter } from "./kernel-writer.ts";
import { innerQuarter, innerVariable } from "./operand.ts";
import type { Shape } from "./product.ts";
import { Reader, type Scene } from "./reader.ts";

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
  for (let four = 0; four < rows / 4; four++) writer.lines.push(`let rows${four} = ${quarterOf(four)};`);
  writer.block(`for (var ${innerVariable} = 0u; ${innerVariable} < ${shape.inner}u; ${innerVariable}++)`, () => {
    writer.lines.push(`let m = ${second(innerVariable)};`);
    for (let four = 0; four < rows / 4; four++) {
      const row = variable(`row${4 * four}`, shape.rows, `rows${four}`);
      const value = new Reader(scene, writer).read(x, shape.operandAt(row, variable(innerVariable, shape.inner)), 4);
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
  writer.block(`for (var ${innerQuarter} = 0u; ${innerQuarter} < ${shape.inner / 4}u; ${innerQuarter}++)`, () => {
    writer.lines.push(`let ${innerVariable} = ${innerQuarter} * 4u;`);
    const k = variable(innerVariable, shape.inner, innerQuarter);
    const values = Array.from({ length: rows }, (_, j) => new Reader(scene, writer).read(x, shape.operandAt(row(j), k), 4));
    for (const [lane, part] of lanes.entries()) {
      writer.lines.push(`let m${lane} = ${second(lane === 0 ? innerVariable : `${innerVariable} + ${lane}u`)};`);
      for (const [j, value] of values.entries()) writer.lines.push(`a${j} = fma(vec4<f32>(${value}.${part}), m${lane}, a${j});`);
    }
  });
}

/** Whether one load reads the four neighbours that the place counts. */
function isInFours(scene: Scene, id: ValueId, at: readonly Coordinate[]): boolean {
  const stored = scene.stored(id);
  if (stored !== undefined) return address(at, stored.strides, stored.start).quarter !== undefined;
  const op = scene.value(id);
  const [input] = op.kind === "op" ? op.inputs : [];
  if (op.kind !== "op" || input === undefined) return false;
  const form = formOf(op.op);
  return form.kind === "move" && isInFours(scene, input, form.source(at, op, scene.value(input).type.shape));
}
