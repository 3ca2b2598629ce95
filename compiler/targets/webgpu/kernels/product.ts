/** Products of rows with a matrix (linear, 1×1 convolution, matmul): each thread sums a few rows times four columns in registers. */

import { type OpValue, type OpValueOf, sizeOf, type ValueId } from "../../../graph/graph.ts";
import { type ConvolutionName, convolutionNames, type Window, windowAxes, windowsOf } from "../../../ops/windows.ts";
import { gatedBelow } from "../forms/chain.ts";
import { geluOf } from "../forms/functions.ts";
import { channelsFromEnd } from "../forms/windows.ts";
import { address, type Coordinate, regroup, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import type { Stored } from "../layout/stored.ts";
import { foursOf, sumInnerInFours, sumRowsInFours } from "./fours.ts";
import { KernelWriter, type Parameter } from "./kernel-writer.ts";
import { innerVariable, type Run, runsOf } from "./operand.ts";
import { overQuarters, quadWorkgroup } from "./quads.ts";
import { laneVariable, Reader } from "./reader.ts";
import { biasAt, type Draft, finishElement, gridOf, type Task } from "./task.ts";

/** What is computed as a product of rows with a matrix. */
export type ProductOp = OpValueOf<ConvolutionName | "linear" | "matmul">;

/** Of a convolution: whether it reads one place for each, which is a product of its pixels with a matrix. */
export function isPointwise({ op, attributes }: OpValueOf<ConvolutionName>): boolean {
  const still = ({ kernel, stride, before, after }: Window) => kernel === 1 && stride === 1 && before + after === 0;
  return attributes.groups === 1 && windowsOf(op, attributes).every(still);
}

export function isConvolution(core: ProductOp): core is OpValueOf<ConvolutionName> {
  return core.op !== "linear" && core.op !== "matmul";
}

export interface Shape {
  readonly rows: number;
  readonly inner: number;
  /** Of the matrix; twice the result's where halves are gated. */
  readonly columns: number;
  /** The places of the operand and of the result, from a row and a place on the inner axis or among the columns. */
  readonly operandAt: (row: Coordinate, k: Coordinate) => readonly Coordinate[];
  readonly resultAt: (row: Coordinate, column: Coordinate) => readonly Coordinate[];
}

export function shapeOf(core: ProductOp, operand: readonly number[], columns: number): Shape {
  if (isConvolution(core)) return pixelsOf(operand, windowAxes[core.op], operand.at(-windowAxes[core.op] - 1) ?? 1, columns);
  const leading = operand.slice(0, -1);
  const at = (row: Coordinate, last: Coordinate): readonly Coordinate[] => [...regroup([row], leading), last];
  return { rows: sizeOf(leading), inner: operand.at(-1) ?? 1, columns, operandAt: at, resultAt: at };
}

/** A convolution's rows are the pixels of `shape`, whose channels stand before its last axes. */
export function pixelsOf(shape: readonly number[], axes: number, inner: number, columns: number): Shape {
  const images = shape.slice(0, -axes - 1);
  const sizes = shape.slice(-axes);
  const at = (row: Coordinate, channel: Coordinate): readonly Coordinate[] => {
    const places = regroup([row], [...images, ...sizes]);
    return [...places.slice(0, -axes), channel, ...places.slice(-axes)];
  };
  return { rows: sizeOf(images) * sizeOf(sizes), inner, columns, operandAt: at, resultAt: at };
}

/** What a product multiplies and what comes of it, whichever kernel computes it. */
export interface Factors {
  readonly core: ProductOp;
  /** The operand, its shape, and its axis that is summed over. */
  readonly x: ValueId;
  readonly operand: readonly number[];
  readonly axis: number;
  /** Ops side by side, at least the core. */
  readonly siblings: readonly OpValue[];
  /** Of the matrix, and of the result: half of them where halves are gated. */
  readonly columns: number;
  readonly results: number;
  /** The names of a thread's sums: a0, a1, …, and b0, … of gates. */
  readonly halves: readonly string[];
}

export function factorsOf({ group, scene }: Task): Factors {
  const core = coreOf(group, ...convolutionNames, "linear", "matmul");
  const [x = -1] = core.inputs;
  const operand = scene.value(x).type.shape;
  const siblings = group.siblings.length > 0 ? group.siblings : [core];
  const axis = operand.length - channelsFromEnd(core.op);
  const columns = siblings.reduce((sum, one) => sum + (one.type.shape[axis] ?? 1), 0);
  const { gated } = group;
  return { core, x, operand, axis, siblings, columns, results: gated ? columns / 2 : columns, halves: gated ? ["a", "b"] : ["a"] };
}

/** `matrix` is [inner, columns] row-major: packed weights, or for matmul the second operand of each batch. `rows` are those that a thread computes. */
export function product(task: Task, matrix: Stored, rows: number): Draft {
  return writeProduct(task, matrix, rows, undefined);
}

/**
 * Undefined where threads cannot work in fours, or have fewer rows than they could. A device must choose it: it is the
 * fastest on both software adapters, but so long that all of a graph's take as long to compile as some steps to run.
 */
export function quadProduct(task: Task, matrix: Stored, rows: number): Draft | undefined {
  const { core, x, operand, axis, columns, results } = factorsOf(task);
  if (shapeOf(core, operand, columns).rows < rows) return undefined;
  const runs = results % 4 === 0 && core.op !== "matmul" ? runsOf(task.scene, x, axis) : undefined;
  const threads = quadWorkgroup(results / 4, runs);
  return threads === undefined ? undefined : writeProduct(task, matrix, rows, threads);
}

/** `quadThreads` are those of a workgroup that works in quads. */
function writeProduct(task: Task, matrix: Stored, rows: number, quadThreads: number | undefined): Draft {
  const { scene } = task;
  const { gated } = task.group;
  const { core, x, operand, axis, siblings, columns, results, halves } = factorsOf(task);
  const shape = shapeOf(core, operand, columns);
  const width = results % 4 === 0 ? 4 : 1;
  const walk = walkOf(task, matrix, core, columns, width);
  const runs = width === 4 && walk !== undefined ? runsOf(scene, x, axis) : undefined;
  const batched = core.op === "matmul" ? sizeOf(operand.slice(0, -2)) : 1;
  const writer = new KernelWriter();
  const rowsOfThread = Math.min(rows, shape.rows / batched);
  const rowsOfBatch = shape.rows / batched;
  const tiles = Math.ceil(rowsOfBatch / rowsOfThread);
  const columnThreads = results / width;
  const quads = quadThreads !== undefined;
  const workgroup: readonly [number, number] = quads ? [quadThreads, 1] : workgroupFor(columnThreads, tiles);

  writer.lines.push("let c = id.x;");
  if (quads) writer.lines.push("let tile = workgroup.y;");
  else writer.lines.push("let tile = id.y;", `if (c >= ${columnThreads}u || tile >= ${tiles}u) { return; }`);
  if (width === 4) writer.lines.push(`let ${laneVariable} = c * 4u;`);
  const rowIndex = (j: number) => {
    const inBatch =
      rowsOfBatch % rowsOfThread === 0 ? `tile * ${rowsOfThread}u + ${j}u` : `min(tile * ${rowsOfThread}u + ${j}u, ${rowsOfBatch - 1}u)`;
    return batched === 1 ? inBatch : `id.z * ${rowsOfBatch}u + ${inBatch}`;
  };
  for (let j = 0; j < rowsOfThread; j++) writer.lines.push(`let row${j} = ${rowIndex(j)};`);
  const row = (j: number): Coordinate => (shape.rows === 1 ? [] : [{ base: `row${j}`, total: shape.rows, divisor: 1, size: shape.rows }]);
  const type = width === 4 ? "vec4<f32>" : "f32";
  for (const half of halves) for (let j = 0; j < rowsOfThread; j++) writer.lines.push(`var ${half}${j} = ${type}(0.0);`);
  if (walk !== undefined) writer.bind(matrix, "weights");
  const start =
    walk === undefined
      ? ""
      : `${batched === 1 ? "" : ` + id.z * ${walk.batch / width}u`}${walk.start === 0 ? "" : ` + ${walk.start / width}u`}`;
  const matrixColumn = (half: number) => (gated ? `c * 2u + ${half}u` : "c");
  const at = (quarter: string) => (width === 4 ? writer.load4(matrix, quarter) : writer.load(matrix, quarter));
  const stride = (walk?.stride ?? columns) / width;

  const fours = runs === undefined && width === 4 && core.op === "matmul" ? foursOf(scene, x, shape, rowsOfThread, rowsOfBatch) : undefined;

  if (runs !== undefined) {
    const from = (run: Run, j: number) => run.base(shape.operandAt(row(j), []));
    const weight = (h: number) => `${matrixColumn(h)}${start}`;
    for (const [r, run] of runs.entries()) {
      sumRun(writer, matrix, run, { label: `${r}`, rows: rowsOfThread, halves, stride, from, weight, quads });
    }
  } else if (fours !== undefined) {
    const second = (k: string) =>
      walk === undefined ? secondOf(task, core, writer, columns, width, k) : at(`${enclosed(k)} * ${stride}u + ${matrixColumn(0)}${start}`);
    if (fours === "rows") {
      const quarterOf = (four: number) =>
        `${batched === 1 ? "" : `id.z * ${rowsOfBatch / 4}u + `}tile * ${rowsOfThread / 4}u${four === 0 ? "" : ` + ${four}u`}`;
      sumRowsInFours(scene, writer, { x, shape, rows: rowsOfThread, second, quarterOf });
    } else sumInnerInFours(scene, writer, { x, shape, rows: rowsOfThread, second, row });
  } else {
    writer.block(`for (var ${innerVariable} = 0u; ${innerVariable} < ${shape.inner}u; ${innerVariable}++)`, () => {
      for (const [h, half] of halves.entries()) {
        const element =
          walk === undefined
            ? secondOf(task, core, writer, columns, width, innerVariable)
            : at(`${innerVariable} * ${stride}u + ${matrixColumn(h)}${start}`);
        writer.lines.push(`let m${h} = ${element};`);
        for (let j = 0; j < rowsOfThread; j++) {
          const element = new Reader(scene, writer).read(x, shape.operandAt(row(j), variable(innerVariable, shape.inner)), 1);
          writer.lines.push(`${half}${j} = fma(${type}(${element}), m${h}, ${half}${j});`);
        }
      }
    });
  }
  finishSums(task, writer, { core, siblings, shape, width, rowsOfThread, results, rowsOfBatch });
  const name = `${core.op}${gated ? "_geglu" : ""}_${rowsOfBatch}x${shape.inner}x${columns}_${task.result.dtype}_rows${rowsOfThread}${quads ? "_quads" : ""}`;
  const comment = `${core.op}${gated ? " and geglu" : ""}: ${rowsOfBatch} rows of ${shape.inner} times a matrix of ${columns} columns${batched > 1 ? `, ${batched} times` : ""}; ${rowsOfThread} rows x ${width} columns a thread${quads ? ", four of which share their loads" : ""}.`;
  const parameters: readonly Parameter[] = quads ? ["id", "lane", "workgroup"] : ["id"];
  return {
    name,
    source: writer.finish(comment, [...workgroup, 1], parameters, gridOf([columnThreads, tiles, batched], [...workgroup, 1])),
  };
}

/** How a matrix lies, in elements: from row to row, from one of a batch to the next, and where the first begins. */
interface Walk {
  readonly stride: number;
  readonly batch: number;
  readonly start: number;
}

/** Undefined for a second operand whose columns do not lie side by side, or not in fours where they are loaded so: it is read element by element. */
function walkOf({ scene }: Task, { strides, start }: Stored, core: ProductOp, columns: number, width: 1 | 4): Walk | undefined {
  if (core.op !== "matmul") return { stride: columns, batch: 0, start: 0 };
  const { shape } = scene.value(core.inputs[1] ?? -1).type;
  const [stride = 1, own = 1] = strides.slice(-2);
  const [sizes, leading] = [shape.slice(0, -2), strides.slice(0, -2)];
  const batch = leading.at(-1) ?? 0;
  const isEven = sizes.every((size, i) => size === 1 || leading[i] === batch * sizeOf(sizes.slice(i + 1)));
  const inFours = width === 1 || [stride, batch, start].every((count) => count % 4 === 0);
  return (own === 1 || columns === 1) && isEven && inFours ? { stride, batch, start } : undefined;
}

/** The element of a matmul's second operand in the row `k`. */
function secondOf(task: Task, core: ProductOp, writer: KernelWriter, columns: number, width: 1 | 4, k: string): string {
  const second = core.inputs[1] ?? -1;
  const { shape } = task.scene.value(second).type;
  const batch = shape.slice(0, -2);
  const column = width === 4 ? variable(laneVariable, columns, "c") : variable("c", columns);
  const at = [...regroup([variable("id.z", sizeOf(batch))], batch), variable(enclosed(k), shape.at(-2) ?? 1), column];
  return new Reader(task.scene, writer).read(second, at, width);
}

function enclosed(k: string): string {
  return /^\w+$/.test(k) ? k : `(${k})`;
}

/** What a thread sums of a run. */
interface Stretch {
  readonly label: string;
  readonly rows: number;
  readonly halves: readonly string[];
  /** vec4s of a row of the matrix. */
  readonly stride: number;
  readonly from: (run: Run, row: number) => string;
  /** The column of the matrix, in vec4s. */
  readonly weight: (half: number) => string;
  /** The first quarter of the inner axis, and how far the next one is; all of them where they are not given. */
  readonly first?: string;
  readonly step?: number;
  readonly quads?: boolean;
}

/** Adds to a0, a1, … (and b0, … of gates) the products along a run of the inner axis, four of its elements a turn. */
export function sumRun(writer: KernelWriter, matrix: Stored, run: Run, stretch: Stretch): void {
  const { label, rows, halves, stride, from, weight, first = "0u", step = 1, quads = false } = stretch;
  for (let j = 0; j < rows; j++) writer.lines.push(`let x${label}_${j} = ${from(run, j)};`);
  const loads = Array.from({ length: rows }, (_, j) => ({
    name: `v${j}`,
    load: (quarter: string) => writer.load4(run.stored, `x${label}_${j} + ${quarter}`),
  }));
  overQuarters(writer, run, { quads, first, step }, loads, (quarter) => {
    for (const [h, half] of halves.entries()) {
      writer.lines.push(`let w${h} = (${run.start}u + ${quarter} * 4u) * ${stride}u + ${weight(h)};`);
      for (const [lane, part] of ["x", "y", "z", "w"].entries()) {
        writer.lines.push(`let m${h}${lane} = ${writer.load4(matrix, `w${h} + ${lane * stride}u`)};`);
        for (let j = 0; j < rows; j++) writer.lines.push(`${half}${j} = fma(vec4<f32>(v${j}.${part}), m${h}${lane}, ${half}${j});`);
      }
    }
  });
}

/** Threads side by side share rows of the operand along y and columns of the matrix along x. */
export function workgroupFor(columns: number, rows: number): readonly [number, number] {
  const x = [16, 8, 4, 2].find((size) => columns % size === 0) ?? Math.min(16, columns);
  return [x, Math.max(1, Math.min(64 / x, rows) | 0)];
}

/** What a thread has summed, by the names a0, a1, … (and b0, … for the gates), to where the group's ops lead it. */
export interface Sums {
  readonly core: ProductOp;
  readonly siblings: readonly OpValue[];
  readonly shape: Shape;
  /** Columns of a thread, and of the result. */
  readonly width: 1 | 4;
  readonly results: number;
  readonly rowsOfThread: number;
  readonly rowsOfBatch: number;
}

export function finishSums(
  task: Task,
  writer: KernelWriter,
  { core, siblings, shape, width, rowsOfThread, results, rowsOfBatch }: Sums,
): void {
  const { group, scene } = task;
  const column = width === 4 ? variable(laneVariable, results, "c") : variable("c", results);
  const bias = core.op === "matmul" ? [] : siblings.flatMap((one) => one.inputs.slice(2));
  for (let j = 0; j < rowsOfThread; j++) {
    const guarded = rowsOfBatch % rowsOfThread !== 0 && j > 0;
    const body = () => {
      const shift = (name: string, offset: number) =>
        bias.length === 0 ? name : writer.name(`${name} + ${biasAt(task, writer, bias, column, offset, width)}`);
      let computed = shift(`a${j}`, 0);
      const from = gatedBelow(group.tail, core, scene.value) ?? core;
      if (group.gated)
        computed = `${computed} * ${writer.name(geluOf(shift(`b${j}`, results), width === 4 ? "vec4<f32>" : "f32", new Reader(scene, writer)))}`;
      const row: Coordinate = shape.rows === 1 ? [] : [{ base: `row${j}`, total: shape.rows, divisor: 1, size: shape.rows }];
      if (siblings.length > 1) {
        const target = address([row, column], [results, 1]);
        if (target.quarter === undefined) throw new Error("wgsl: sibling products of odd widths");
        writer.store4(task.result, target.quarter, computed);
      } else finishElement(task, writer, from, computed, shape.resultAt(row, column), width);
    };
    if (guarded) writer.block(`if (tile * ${rowsOfThread}u + ${j}u < ${rowsOfBatch}u)`, body);
    else writer.block("", body);
  }
}
