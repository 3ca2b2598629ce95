/** Products of few rows with a deep matrix: sixteen threads share each sum, so that a small layer still fills a graphics card. */

import type { Stored } from "../layout/stored.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { type Run, runsOf } from "./operand.ts";
import { factorsOf, finishSums, shapeOf, sumRun } from "./product.ts";
import { laneVariable } from "./reader.ts";
import { type Draft, gridOf, type Task } from "./task.ts";

/** Threads of a workgroup along columns, and those that share a sum. */
const across = 16;
const slices = 16;
/** From this many threads on, a card is full without sharing. */
const enoughThreads = 8192;
const leastDepth = 64;

/** `matrix` is [inner, columns]. Undefined where there are threads enough, or too little for each to sum. */
export function splitProduct(task: Task, matrix: Stored): Draft | undefined {
  const { gated } = task.group;
  const { core, x, operand, axis, siblings, columns, results, halves } = factorsOf(task);
  const shape = shapeOf(core, operand, columns);
  const rows = Math.min(4, shape.rows);
  const tiles = Math.ceil(shape.rows / rows);
  const runs = results % 4 === 0 ? runsOf(task.scene, x, axis) : undefined;
  if (runs === undefined || core.op === "matmul" || shape.inner < leastDepth || tiles * (results / 4) >= enoughThreads) return undefined;

  const writer = new KernelWriter();
  writer.bind(matrix, "weights");
  writer.share("partial", across * slices, "vec4<f32>");
  writer.lines.push("let c = id.x;", "let tile = workgroup.y;", "let slice = local.y;", `let ${laneVariable} = c * 4u;`);
  writer.lines.push(`let lid = slice * ${across}u + local.x;`, `let column = min(c, ${results / 4 - 1}u);`);
  for (let j = 0; j < rows; j++) writer.lines.push(`let row${j} = min(tile * ${rows}u + ${j}u, ${shape.rows - 1}u);`);
  for (const half of halves) for (let j = 0; j < rows; j++) writer.lines.push(`var ${half}${j} = vec4<f32>(0.0);`);
  const from = (run: Run, j: number) =>
    run.base(shape.operandAt(shape.rows === 1 ? [] : [{ base: `row${j}`, total: shape.rows, divisor: 1, size: shape.rows }], []));
  const weight = (h: number) => (gated ? `column * 2u + ${h}u` : "column");
  for (const [r, run] of runs.entries()) {
    sumRun(writer, matrix, run, { label: `${r}`, rows, halves, stride: columns / 4, from, weight, first: "slice", step: slices });
  }
  for (const half of halves) {
    for (let j = 0; j < rows; j++) {
      writer.lines.push("workgroupBarrier();", `partial[lid] = ${half}${j};`, "workgroupBarrier();");
      writer.block("if (slice == 0u)", () =>
        writer.lines.push(`for (var s = 1u; s < ${slices}u; s++) { ${half}${j} += partial[s * ${across}u + local.x]; }`),
      );
    }
  }
  writer.block(`if (slice == 0u && c < ${results / 4}u)`, () =>
    finishSums(task, writer, { core, siblings, shape, width: 4, results, rowsOfThread: rows, rowsOfBatch: shape.rows }),
  );
  const what = `${core.op}${gated ? "_geglu" : ""}`;
  return {
    name: `${what}_split_${shape.rows}x${shape.inner}x${columns}_${task.result.dtype}`,
    source: writer.finish(
      `${what}: ${shape.rows} rows of ${shape.inner} times a matrix of ${columns} columns; ${slices} threads share the sums of ${rows} rows x 4 columns.`,
      [across, slices, 1],
      ["id", "local", "workgroup"],
      gridOf([results / 4, tiles * slices, 1], [across, slices, 1]),
    ),
  };
}
