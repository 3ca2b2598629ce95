/** What a kernel is asked to compute, and what it comes out as before the plan gives it a name and buffers. */

import { type OpValue, sizeOf, type Value, type ValueId } from "../../../graph/graph.ts";
import { chain, follow } from "../forms/chain.ts";
import type { Width } from "../forms/form.ts";
import type { Coordinate } from "../layout/coordinates.ts";
import { address } from "../layout/coordinates.ts";
import type { Group } from "../layout/group.ts";
import type { Stored } from "../layout/stored.ts";
import type { KernelSource, KernelWriter } from "./kernel-writer.ts";
import { Reader, type Scene } from "./reader.ts";

export interface Task {
  readonly group: Group;
  readonly scene: Scene;
  /** Where the group's result goes. */
  readonly result: Stored;
}

export interface Draft {
  /** What a profile calls the kernel: op, shape, dtype. */
  readonly name: string;
  readonly source: KernelSource;
  /** As in `Variant` of compiler/package/plan.ts. */
  readonly preferred?: true;
}

/** The workgroups that cover this many threads. */
export function gridOf(threads: readonly number[], workgroup: readonly number[]): readonly [number, number, number] {
  const [x = 1, y = 1, z = 1] = threads.map((count, i) => Math.ceil(count / (workgroup[i] ?? 1)));
  return [x, y, z];
}

/** Threads along x, a multiple of every workgroup, so that no dimension has more than 65,535 workgroups. */
const rowLength = 64 * 32768;

/** A grid of threads that are counted by one number, and that number. */
export function countedThreads(
  threads: number,
  workgroup: number,
): { readonly index: string; readonly grid: readonly [number, number, number] } {
  if (threads <= rowLength) return { index: "id.x", grid: gridOf([threads], [workgroup]) };
  return { index: `id.y * ${rowLength}u + id.x`, grid: gridOf([rowLength, Math.ceil(threads / rowLength)], [workgroup, 1]) };
}

/** The element of a bias at a column past `offset`; several biases lie one after another, as the columns that they belong to. */
export function biasAt(
  { scene }: Task,
  writer: KernelWriter,
  biases: readonly ValueId[],
  column: Coordinate,
  offset: number,
  width: Width,
): string {
  const [first = 0] = biases.map((id) => {
    const value = scene.value(id);
    if (value.kind !== "weight") throw new Error("wgsl: a bias that is no weight");
    return writer.vector({ path: value.path }, sizeOf(value.type.shape));
  });
  const at = address([column], [1], first + offset);
  const block = writer.vectorBlock;
  return width === 4 && at.quarter !== undefined ? writer.load4(block, at.quarter) : writer.load(block, at.text);
}

/** Writes the core's result, wherever the element ops of its group lead it. */
export function finishElement(
  { group, scene, result }: Task,
  writer: KernelWriter,
  core: OpValue,
  computed: string,
  at: readonly Coordinate[],
  width: Width,
): void {
  const tail: Value = group.tail;
  const ops = chain(core, group.tail, scene.value);
  const place = follow(ops, at);
  const reader = new Reader(
    { ...scene, stored: (id) => (id === tail.id ? undefined : scene.stored(id)) },
    writer,
    new Map([[core.id, computed]]),
  );
  const value = reader.read(tail.id, place, width);
  const target = address(place, result.strides, result.start);
  if (width === 4) writer.storeAt(result, target, value);
  else writer.store(result, target.text, value);
}
