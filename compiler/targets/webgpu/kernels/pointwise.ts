/** Element ops and index maps alone: one thread makes four neighbours of the result (or one, where its channels are no fours). */

import { sizeOf } from "../../../graph/graph.ts";
import { address, type Coordinate, regroup, variable } from "../layout/coordinates.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { laneVariable, Reader } from "./reader.ts";
import { countedThreads, type Draft, type Task } from "./task.ts";

const workgroup = 64;

export function pointwise({ group, scene, result }: Task): Draft {
  const { tail } = group;
  const { shape, dtype } = tail.type;
  const writer = new KernelWriter();
  const lane = result.strides.findIndex((stride, axis) => stride === 1 && (shape[axis] ?? 1) > 1);
  const width = lane >= 0 && dtype !== "i32" && (shape[lane] ?? 1) % 4 === 0 && result.start % 4 === 0 ? 4 : 1;
  const order = shape.map((_, axis) => axis).sort((a, b) => (result.strides[b] ?? 0) - (result.strides[a] ?? 0) || a - b);
  const threads = sizeOf(shape) / width;
  const { index, grid } = countedThreads(threads, workgroup);
  writer.lines.push(`let i = ${index};`, `if (i >= ${threads}u) { return; }`);
  const places = new Map<number, Coordinate>();
  if (width === 4) {
    const size = shape[lane] ?? 4;
    const outer = order.filter((axis) => axis !== lane);
    writer.lines.push(`let c4 = i % ${size / 4}u;`, `let ${laneVariable} = c4 * 4u;`, `let row = i / ${size / 4}u;`);
    const rows = regroup(
      [variable("row", sizeOf(shape) / size)],
      outer.map((axis) => shape[axis] ?? 1),
    );
    for (const [i, axis] of outer.entries()) places.set(axis, rows[i] ?? []);
    places.set(lane, variable(laneVariable, size, "c4"));
  } else {
    const all = regroup(
      [variable("i", threads)],
      order.map((axis) => shape[axis] ?? 1),
    );
    for (const [i, axis] of order.entries()) places.set(axis, all[i] ?? []);
  }
  const at = shape.map((_, axis) => places.get(axis) ?? []);
  const inner = { ...scene, stored: (id: number) => (id === tail.id ? undefined : scene.stored(id)) };
  const value = new Reader(inner, writer).read(tail.id, at, width);
  const target = address(at, result.strides, result.start);
  if (width === 4) writer.storeAt(result, target, value);
  else writer.store(result, target.text, value);
  return {
    name: `${tail.op}_${shape.join("x")}_${result.dtype}`,
    source: writer.finish(`${tail.op} and what leads to it, [${shape.join(", ")}]; ${width} a thread.`, [workgroup, 1, 1], ["id"], grid),
  };
}
