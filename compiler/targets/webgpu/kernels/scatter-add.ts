/** Rows that indices name to their sums: a thread goes through all indices for one element of the result, so that nothing is added to by two threads. */

import { sizeOf } from "../../../graph/graph.ts";
import { type Coordinate, regroup, scalar, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

export function scatterAdd(task: Task): Draft {
  const core = coreOf(task.group, "scatterAdd");
  const [values = -1, indices = -1] = core.inputs;
  const { axis } = core.attributes;
  const { shape } = core.type;
  const along = task.scene.value(indices).type.shape;
  const threads = sizeOf(shape);
  const writer = new KernelWriter();
  const { index, grid } = countedThreads(threads, 64);
  writer.lines.push(`let i = ${index};`, `if (i >= ${threads}u) { return; }`);
  const at = regroup([variable("i", threads)], shape);
  const place: Coordinate = at[axis] ?? [];
  const ids = regroup([variable("e", sizeOf(along))], along);
  writer.lines.push(`let place = ${scalar(place)};`, "var sum = 0.0;");
  writer.block(`for (var e = 0u; e < ${sizeOf(along)}u; e++)`, () => {
    const id = new Reader(task.scene, writer).read(indices, ids, 1);
    writer.block(`if (u32(${id}) == place)`, () => {
      const value = new Reader(task.scene, writer).read(values, at.toSpliced(axis, 1, ...ids), 1);
      writer.lines.push(`sum += ${value};`);
    });
  });
  finishElement(task, writer, core, "sum", at, 1);
  return {
    name: `scatterAdd_${shape.join("x")}_${task.result.dtype}`,
    source: writer.finish(
      `scatterAdd of ${sizeOf(along)} indices to [${shape.join(", ")}]; a thread an element.`,
      [64, 1, 1],
      ["id"],
      grid,
    ),
  };
}
