/** Sums, means and maxima of few long rows: the threads of a workgroup share each row, so that a loss or a bias's gradient fills a graphics card. */

import { sizeOf } from "../../../graph/graph.ts";
import { type Coordinate, regroup, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { reductions } from "./norms.ts";
import { literal, Reader } from "./reader.ts";
import { type Draft, finishElement, gridOf, type Task } from "./task.ts";

const threads = 256;
/** Rows that lie side by side in memory are read together, where the axis is not the innermost. */
const together = 16;
/** From so many rows on a card is full with a thread each; shorter ones are read before threads have met. */
const enoughRows = 8192;
const leastLength = 256;

/** Undefined where a thread a row does as well. */
export function longReduction(task: Task): Draft | undefined {
  const core = coreOf(task.group, "sum", "mean", "max");
  const [x = -1] = core.inputs;
  const { axis } = core.attributes;
  const { shape } = task.scene.value(x).type;
  const length = shape[axis] ?? 1;
  const others = shape.filter((_, i) => i !== axis);
  const rows = sizeOf(others);
  if (rows >= enoughRows || length < leastLength) return undefined;
  const across = sizeOf(shape.slice(axis + 1)) < together ? 1 : together;
  const slices = threads / across;
  const { start, join } = reductions[core.op];
  const writer = new KernelWriter();
  writer.share("partial", threads);
  writer.lines.push("let slice = local.y;", `let row = min(id.x, ${rows - 1}u);`, `let own = slice * ${across}u + local.x;`);
  const rowAt = regroup([variable("row", rows)], others);
  const at = (along: Coordinate) => [...rowAt.slice(0, axis), along, ...rowAt.slice(axis)];
  writer.lines.push(`var reduced = ${start};`);
  writer.block(`for (var e = slice; e < ${length}u; e += ${slices}u)`, () => {
    const element = new Reader(task.scene, writer).read(x, at(variable("e", length)), 1);
    writer.lines.push(join("reduced", element));
  });
  writer.lines.push("partial[own] = reduced;");
  writer.block(`for (var half = ${slices / 2}u; half > 0u; half /= 2u)`, () => {
    writer.lines.push("workgroupBarrier();");
    const joined = join("partial[own]", `partial[own + half * ${across}u]`);
    writer.lines.push(`if (slice < half) { ${joined} }`);
  });
  writer.block(`if (slice == 0u && id.x < ${rows}u)`, () => {
    const whole = core.op === "mean" ? `partial[own] / ${literal(length)}` : "partial[own]";
    finishElement(task, writer, core, writer.name(whole), at([]), 1);
  });
  return {
    name: `${core.op}_long_${shape.join("x")}_${task.result.dtype}`,
    source: writer.finish(
      `${core.op} of [${shape.join(", ")}] along axis ${axis}; ${slices} threads a row.`,
      [across, slices, 1],
      ["id", "local"],
      gridOf([rows, slices, 1], [across, slices, 1]),
    ),
  };
}
