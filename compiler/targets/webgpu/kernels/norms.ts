/** What is computed row by row in f32: layer norms, the mean first and then the squares of what is left, so that nothing cancels; softmax. */

import { type OpValue, sizeOf } from "../../../graph/graph.ts";
import { regroup, variable } from "../plan/coordinates.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { laneVariable, literal, Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

/** Each row of the last axis to mean 0 and variance 1, then the channels' scale and shift; one thread a row. */
export function layerNorm(task: Task): Draft {
  const { group, scene, result } = task;
  const core = group.core as OpValue;
  const [x = -1, weight = -1, bias = -1] = core.inputs;
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
      body(new Reader(scene, writer).read(x, [...rowAt, channel], lanes));
    });
  const total = (name: string) => (lanes === 4 ? `dot(${name}, vec4<f32>(1.0))` : name);
  writer.lines.push(`var sum = ${type}(0.0);`);
  each((element) => writer.lines.push(`sum += ${element};`));
  const mean = writer.name(`${total("sum")} / ${literal(channels)}`);
  writer.lines.push(`var squares = ${type}(0.0);`);
  each((element) => writer.lines.push(`squares += (${element} - ${mean}) * (${element} - ${mean});`));
  const scale = writer.name(`inverseSqrt(${total("squares")} / ${literal(channels)} + ${literal(Number(core.attributes.eps))})`);
  each((element) => {
    const reader = new Reader(scene, writer);
    const normal = `(${element} - ${mean}) * ${scale} * ${reader.read(weight, [channel], lanes)} + ${reader.read(bias, [channel], lanes)}`;
    finishElement(task, writer, core, writer.name(normal), [...rowAt, channel], lanes);
  });
  return {
    name: `layerNorm_${rows}x${channels}_${result.dtype}`,
    source: writer.finish(`layerNorm: ${rows} rows of ${channels}; a thread a row.`, [64, 1, 1], ["id"], grid),
  };
}

/** exp(x) over its sum along one axis, one thread a row; of a masked one, row i sees the columns 0 to i. */
export function softmax(task: Task): Draft {
  const { group, scene, result } = task;
  const core = group.core as OpValue;
  const [x = -1] = core.inputs;
  const { shape } = core.type;
  const masked = core.op === "maskedSoftmax";
  const axis = masked ? shape.length - 1 : Number(core.attributes.axis);
  const length = shape[axis] ?? 1;
  const others = shape.filter((_, i) => i !== axis);
  const rows = sizeOf(others);
  const writer = new KernelWriter();
  const { index, grid } = countedThreads(rows, 64);
  writer.lines.push(`let row = ${index};`, `if (row >= ${rows}u) { return; }`);
  const rowAt = regroup([variable("row", rows)], others);
  const at = [...rowAt.slice(0, axis), variable("e", length), ...rowAt.slice(axis)];
  writer.lines.push(masked ? `let seen = min(row % ${shape.at(-2) ?? 1}u + 1u, ${length}u);` : `let seen = ${length}u;`);
  const each = (end: string, body: (element: string) => void) =>
    writer.block(`for (var e = 0u; e < ${end}; e++)`, () => body(new Reader(scene, writer).read(x, at, 1)));
  writer.lines.push("var largest = -3.0e38;", "var sum = 0.0;");
  each("seen", (element) => writer.lines.push(`largest = max(largest, ${element});`));
  each("seen", (element) => writer.lines.push(`sum += exp(${element} - largest);`));
  each(`${length}u`, (element) =>
    finishElement(task, writer, core, writer.name(`select(0.0, exp(${element} - largest) / sum, e < seen)`), at, 1),
  );
  return {
    name: `${core.op}_${shape.join("x")}_${result.dtype}`,
    source: writer.finish(`${core.op} of [${shape.join(", ")}] along axis ${axis}; a thread a row.`, [64, 1, 1], ["id"], grid),
  };
}
