/** Products and convolutions for graphics cards: a workgroup loads tiles of both operands into its own memory, each number once, and every thread reads them there. */

import { sizeOf } from "../../../graph/graph.ts";
import { inputAt } from "../../../ops/rules.ts";
import { type Window, windowAxes, windowsOf } from "../../../ops/windows.ts";
import { type Coordinate, scalar, variable } from "../layout/coordinates.ts";
import type { Stored } from "../layout/stored.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { type Run, runsOf } from "./operand.ts";
import { factorsOf, finishSums, isConvolution, type ProductOp, pixelsOf, type Shape, shapeOf } from "./product.ts";
import { laneVariable } from "./reader.ts";
import { type Draft, gridOf, type Task } from "./task.ts";

/** Threads of a workgroup along columns and along rows; each sums four rows times four columns. */
const across = 16;
const down = 16;
const each = 4;
/** Quarters of the inner axis that a tile holds: 256 threads load one vec4 of either operand each. */
const deep = 4;

interface Sizes {
  readonly rows: number;
  /** vec4s of the result's columns, and of the matrix's. */
  readonly columns: number;
  readonly stride: number;
  readonly taps: number;
}

/**
 * `matrix` is [taps · inner, columns]. Undefined where the operand does not lie in fours, or is smaller than a tile: there
 * a thread that loads for itself wins.
 */
export function tiledProduct(task: Task, matrix: Stored): Draft | undefined {
  const { gated } = task.group;
  const { core, x, operand, axis, siblings, columns, results, halves } = factorsOf(task);
  const runs = results % 4 === 0 ? runsOf(task.scene, x, axis) : undefined;
  const shape = isConvolution(core)
    ? pixelsOf(core.type.shape, windowAxes[core.op], operand[axis] ?? 1, columns)
    : shapeOf(core, operand, columns);
  const fits = runs?.every(({ size, start }) => size % (4 * deep) === 0 && start % 4 === 0) && shape.rows >= down * each;
  if (runs === undefined || !fits || core.op === "matmul" || results < across * each) return undefined;
  if (isConvolution(core) && core.attributes.groups > 1) return undefined;

  const windows = isConvolution(core) ? windowsOf(core.op, core.attributes) : [];
  const sizes: Sizes = { rows: shape.rows, columns: results / 4, stride: columns / 4, taps: sizeOf(windows.map(({ kernel }) => kernel)) };
  const writer = new KernelWriter();
  writer.bind(matrix, "weights");
  writer.share("tile_x", down * each * deep, "vec4<f32>");
  for (const half of halves) writer.share(`tile_${half}`, 4 * deep * across, "vec4<f32>");
  writer.lines.push("let c = id.x;", "let tile = id.y;", `let ${laneVariable} = c * 4u;`, `let lid = local.y * ${across}u + local.x;`);
  for (let j = 0; j < each; j++) writer.lines.push(`let row${j} = min(tile * ${each}u + ${j}u, ${sizes.rows - 1}u);`);
  for (const half of halves) for (let j = 0; j < each; j++) writer.lines.push(`var ${half}${j} = vec4<f32>(0.0);`);
  writer.lines.push(
    `let loaded = min(workgroup.y * ${down * each}u + lid / ${deep}u, ${sizes.rows - 1}u);`,
    `let column = min(workgroup.x * ${across}u + lid % ${across}u, ${sizes.columns - 1}u);`,
  );
  writer.block(`for (var tap = 0u; tap < ${sizes.taps}u; tap++)`, () => {
    const from = operandPlace(writer, core, operand, shape);
    for (const run of runs) sumRun(writer, matrix, run, sizes, shape.inner, halves, from);
  });
  writer.block(`if (c < ${sizes.columns}u && tile * ${each}u < ${sizes.rows}u)`, () =>
    finishSums(task, writer, { core, siblings, shape, width: 4, results, rowsOfThread: each, rowsOfBatch: sizes.rows }),
  );
  const what = `${core.op}${gated ? "_geglu" : ""}`;
  const name = `${what}_tiled_${sizes.rows}x${sizes.taps * shape.inner}x${columns}_${task.result.dtype}`;
  const comment = `${what}: ${sizes.rows} rows of ${sizes.taps === 1 ? "" : `${sizes.taps} taps times `}${shape.inner} times a matrix of ${columns} columns; tiles of ${down * each} rows x ${across * 4} columns a workgroup.`;
  return {
    name,
    source: writer.finish(
      comment,
      [across, down, 1],
      ["id", "local", "workgroup"],
      gridOf([sizes.columns, Math.ceil(sizes.rows / each), 1], [across, down, 1]),
    ),
  };
}

interface Place {
  readonly at: readonly Coordinate[];
  /** What tells whether the place is inside the picture. */
  readonly inside?: string;
}

/** Where the row that a thread loads stands in the operand, for the tap of the loop. */
function operandPlace(writer: KernelWriter, core: ProductOp, operand: readonly number[], shape: Shape): Place {
  const row = variable("loaded", shape.rows);
  if (!isConvolution(core)) return { at: shape.operandAt(row, []) };
  const windows = windowsOf(core.op, core.attributes);
  const axes = windows.length;
  const sizes = operand.slice(-axes);
  const places = shape.operandAt(row, []);
  const names = ["z", "y", "x"].slice(-axes);
  for (const [i, { stride, dilation, before }] of windows.entries()) {
    const step = `${tapAlong(windows, i)}${dilation === 1 ? "" : ` * ${dilation}u`}`;
    writer.lines.push(`let i${names[i]} = i32(${scalar(inputAt(places, places.length - axes + i))} * ${stride}u + ${step}) - ${before};`);
  }
  const inside = names.map((name, i) => `i${name} >= 0 && i${name} < ${sizes[i]}`).join(" && ");
  writer.lines.push(`let inside = ${inside};`);
  for (const [i, name] of names.entries()) writer.lines.push(`let s${name} = u32(clamp(i${name}, 0, ${(sizes[i] ?? 1) - 1}));`);
  return { at: [...places.slice(0, -axes), ...names.map((name, i) => variable(`s${name}`, sizes[i] ?? 1))], inside: "inside" };
}

/** The tap's place along one of the axes. */
function tapAlong(windows: readonly Window[], axis: number): string {
  const inside = sizeOf(windows.slice(axis + 1).map(({ kernel }) => kernel));
  const whole = axis < windows.length - 1 ? `tap / ${inside}u` : "tap";
  return axis === 0 ? whole : `${whole} % ${inputAt(windows, axis).kernel}u`;
}

/** Tile by tile along a run of the inner axis: load, wait, sum, wait. */
function sumRun(
  writer: KernelWriter,
  matrix: Stored,
  run: Run,
  { stride, taps }: Sizes,
  inner: number,
  halves: readonly string[],
  { at, inside }: Place,
): void {
  const from = writer.name(run.base(at));
  writer.block(`for (var k4 = 0u; k4 < ${run.size / 4}u; k4 += ${deep}u)`, () => {
    const element = writer.load4(run.stored, `${from} + k4 + lid % ${deep}u`);
    writer.lines.push("workgroupBarrier();");
    writer.lines.push(`tile_x[lid] = ${inside === undefined ? element : `select(vec4<f32>(0.0), ${element}, ${inside})`};`);
    const tap = taps === 1 ? "" : `tap * ${inner}u + `;
    writer.lines.push(`let k = ${tap}${run.start}u + k4 * 4u + lid / ${across}u;`);
    for (const [h, half] of halves.entries()) {
      const column = halves.length === 1 ? "column" : `column * 2u + ${h}u`;
      writer.lines.push(`tile_${half}[lid] = ${writer.load4(matrix, `k * ${stride}u + ${column}`)};`);
    }
    writer.lines.push("workgroupBarrier();");
    writer.block(`for (var q = 0u; q < ${deep}u; q++)`, () => {
      for (let j = 0; j < each; j++) writer.lines.push(`let v${j} = tile_x[(local.y * ${each}u + ${j}u) * ${deep}u + q];`);
      for (const half of halves) {
        for (const [lane, part] of ["x", "y", "z", "w"].entries()) {
          writer.lines.push(`let m${half}${lane} = tile_${half}[(q * 4u + ${lane}u) * ${across}u + local.x];`);
          for (let j = 0; j < each; j++) writer.lines.push(`${half}${j} = fma(vec4<f32>(v${j}.${part}), m${half}${lane}, ${half}${j});`);
        }
      }
    });
  });
}
