/** What is computed row by row in f32: norms, a mean before the squares of what is left, so that nothing cancels; softmax; sums, means and maxima. */

import { type OpValueOf, sizeOf, type ValueId } from "../../../graph/graph.ts";
import { type Coordinate, regroup, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { laneVariable, literal, Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

/** One thread a row of the last axis, whose channels it goes through in fours where they are fours. */
function rowKernel(task: Task, core: OpValueOf<"layerNorm" | "rmsNorm">) {
  const [x = -1] = core.inputs;
  const { shape } = core.type;
  const channels = shape.at(-1) ?? 1;
  const rows = sizeOf(shape.slice(0, -1));
  const lanes = channels % 4 === 0 ? 4 : 1;
  const writer = new KernelWriter();
  const { index, grid } = countedThreads(rows, 64);
  writer.lines.push(`let row = ${index};`, `if (row >= ${rows}u) { return; }`);
  const rowAt = regroup([variable("row", rows)], shape.slice(0, -1));
  const type = lanes === 4 ? "vec4<f32>" : "f32";
  const channel = lanes === 4 ? variable(laneVariable, channels, "c") : variable("c", channels);
  const each = (body: (element: string) => void) =>
    writer.block(`for (var c = 0u; c < ${channels / lanes}u; c++)`, () => {
      if (lanes === 4) writer.lines.push(`let ${laneVariable} = c * 4u;`);
      body(new Reader(task.scene, writer).read(x, [...rowAt, channel], lanes));
    });
  return {
    writer,
    /** A small weight's element at the channel. */
    weight: (id: ValueId) => new Reader(task.scene, writer).read(id, [channel], lanes),
    /** The mean over the row of a term of each element. */
    mean: (name: string, term: (element: string) => string): string => {
      writer.lines.push(`var ${name} = ${type}(0.0);`);
      each((element) => writer.lines.push(`${name} += ${term(element)};`));
      return `${lanes === 4 ? `dot(${name}, vec4<f32>(1.0))` : name} / ${literal(channels)}`;
    },
    finish: (result: (element: string) => string): Draft => {
      each((element) => finishElement(task, writer, core, writer.name(result(element)), [...rowAt, channel], lanes));
      return {
        name: `${core.op}_${rows}x${channels}_${task.result.dtype}`,
        source: writer.finish(`${core.op}: ${rows} rows of ${channels}; a thread a row.`, [64, 1, 1], ["id"], grid),
      };
    },
  };
}

/** Each row to mean 0 and variance 1, then the channels' scale and shift where it has them. */
export function layerNorm(task: Task): Draft {
  const core = coreOf(task.group, "layerNorm");
  const [, weight, bias] = core.inputs;
  const row = rowKernel(task, core);
  const mean = row.writer.name(row.mean("sum", (element) => element));
  const variance = row.mean("squares", (element) => `(${element} - ${mean}) * (${element} - ${mean})`);
  const scale = row.writer.name(`inverseSqrt(${variance} + ${literal(core.attributes.eps)})`);
  return row.finish((element) => {
    const normal = `(${element} - ${mean}) * ${scale}`;
    return weight === undefined || bias === undefined ? normal : `${normal} * ${row.weight(weight)} + ${row.weight(bias)}`;
  });
}

/** Each row to a mean square of 1, then the channels' scale where it has one. */
export function rmsNorm(task: Task): Draft {
  const core = coreOf(task.group, "rmsNorm");
  const [, weight] = core.inputs;
  const row = rowKernel(task, core);
  const square = row.mean("squares", (element) => `${element} * ${element}`);
  const scale = row.writer.name(`inverseSqrt(${square} + ${literal(core.attributes.eps)})`);
  return row.finish((element) => `${element} * ${scale}${weight === undefined ? "" : ` * ${row.weight(weight)}`}`);
}

/** One thread a row of any axis, whose elements it goes through one by one. */
function axisKernel(task: Task, core: OpValueOf<"softmax" | "maskedSoftmax" | "sum" | "mean" | "max">, axis: number) {
  const [x = -1] = core.inputs;
  const { shape } = task.scene.value(x).type;
  const length = shape[axis] ?? 1;
  const others = shape.filter((_, i) => i !== axis);
  const rows = sizeOf(others);
  const writer = new KernelWriter();
  const { index, grid } = countedThreads(rows, 64);
  writer.lines.push(`let row = ${index};`, `if (row >= ${rows}u) { return; }`);
  const rowAt = regroup([variable("row", rows)], others);
  const at = (along: Coordinate) => [...rowAt.slice(0, axis), along, ...rowAt.slice(axis)];
  const element = at(variable("e", length));
  return {
    writer,
    length,
    each: (end: string, body: (element: string) => void) =>
      writer.block(`for (var e = 0u; e < ${end}; e++)`, () => body(new Reader(task.scene, writer).read(x, element, 1))),
    /** The result at the element that a pass has come to. */
    finishEach: (computed: string) => finishElement(task, writer, core, writer.name(computed), element, 1),
    /** The result that is one for the whole row. */
    finishRow: (computed: string) => finishElement(task, writer, core, writer.name(computed), at([]), 1),
    draft: (): Draft => ({
      name: `${core.op}_${shape.join("x")}_${task.result.dtype}`,
      source: writer.finish(`${core.op} of [${shape.join(", ")}] along axis ${axis}; a thread a row.`, [64, 1, 1], ["id"], grid),
    }),
  };
}

/** exp(x) over its sum along one axis; of a masked one, row i sees the columns 0 to i. */
export function softmax(task: Task): Draft {
  const core = coreOf(task.group, "softmax", "maskedSoftmax");
  const { shape } = core.type;
  const masked = core.op === "maskedSoftmax";
  const { writer, length, each, finishEach, draft } = axisKernel(task, core, masked ? shape.length - 1 : core.attributes.axis);
  writer.lines.push(masked ? `let seen = min(row % ${shape.at(-2) ?? 1}u + 1u, ${length}u);` : `let seen = ${length}u;`);
  writer.lines.push("var largest = -3.0e38;", "var sum = 0.0;");
  each("seen", (element) => writer.lines.push(`largest = max(largest, ${element});`));
  each("seen", (element) => writer.lines.push(`sum += exp(${element} - largest);`));
  each(`${length}u`, (element) => finishEach(`select(0.0, exp(${element} - largest) / sum, e < seen)`));
  return draft();
}

/** Where a reduction begins, and how an element joins what is reduced already. */
export const reductions = {
  sum: { start: "0.0", join: (reduced: string, element: string) => `${reduced} += ${element};` },
  mean: { start: "0.0", join: (reduced: string, element: string) => `${reduced} += ${element};` },
  max: { start: "-3.4028234e38", join: (reduced: string, element: string) => `${reduced} = max(${reduced}, ${element});` },
} as const;

/** The sum, the mean or the largest along one axis. */
export function reduction(task: Task): Draft {
  const core = coreOf(task.group, "sum", "mean", "max");
  const { writer, length, each, finishRow, draft } = axisKernel(task, core, core.attributes.axis);
  const { start, join } = reductions[core.op];
  writer.lines.push(`var reduced = ${start};`);
  each(`${length}u`, (element) => writer.lines.push(join("reduced", element)));
  finishRow(core.op === "mean" ? `reduced / ${literal(length)}` : "reduced");
  return draft();
}
