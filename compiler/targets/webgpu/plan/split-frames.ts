/** Computes values that are too large for one binding a few frames at a time: what reads and makes them is repeated for each piece of an axis that nothing there mixes. */

import {
  bytesOfDType,
  type Graph,
  type OpValue,
  sizeOf,
  type TensorType,
  type Value,
  type ValueId,
  valuesById,
} from "../../../graph/graph.ts";
import type { OpName } from "../../../graph/op-names.ts";
import { opEntry } from "../../../ops/table.ts";
import { removeDeadCode } from "../../../passes/dead-code.ts";
import { GraphBuilder } from "../../../rewriting/builder.ts";
import { type Group, isInPlace } from "../layout/group.ts";
import type { Stored } from "../layout/stored.ts";
import { fuse } from "./fuse.ts";
import type { PlanBounds } from "./limits.ts";
import { channelsOf, placeValues, statisticsShape } from "./storage.ts";

/** Pictures [B, F, C, H, W] are split along their frames, tokens [N, S, C] along their sequences. */
function axisOf(rank: number): number {
  return rank === 5 ? 1 : 0;
}

/**
 * Splits until every value that reaches memory fits a binding, where splitting along frames can do it; what is still
 * larger is the caller's to refuse. Pieces come one after another, so that the memory of one serves the next.
 */
export function splitFrames(graph: Graph, bounds: PlanBounds): Fused {
  let current = graph;
  for (;;) {
    const groups = fuse(current, bounds);
    const split = splitFirst(current, groups, bounds);
    if (split === undefined) return { graph: current, groups };
    current = split;
  }
}

/** A graph, and what its kernels are. */
export interface Fused {
  readonly graph: Graph;
  readonly groups: readonly Group[];
}

function splitFirst(graph: Graph, groups: readonly Group[], bounds: PlanBounds): Graph | undefined {
  const large = largeValues(graph, groups, bounds);
  if (large.size === 0) return undefined;
  const cores = new Map(
    groups.flatMap(({ kind, core, tail }) => (kind === "kernel" && core !== undefined ? [[tail.id, core] as const] : [])),
  );
  const byId = valuesById(graph);
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  for (const first of graph.values) {
    if (first.kind !== "op" || !large.has(first.id)) continue;
    const starts = [cores.get(first.id) ?? first, first];
    const region = starts.map((start) => regionOf(graph, first, start)).find(({ members }) => members.has(first.id));
    if (region === undefined) continue;
    const axis = axisOf(first.type.shape.length);
    const total = first.type.shape[axis] ?? 1;
    const largest = [...region.members].reduce((most, id) => Math.max(most, large.get(id) ?? 0), 0);
    const most = Math.floor(bounds.binding / (largest / total));
    if (most < 1) continue;
    // Where a whole is too large itself, or the pieces are too many, nothing is won.
    const wholesFit = [...wholesOf(graph, region)].every((id) => wholeBytes(byId(id).type, outputs.has(id)) <= bounds.binding);
    const copies = Math.ceil(total / most) * region.members.size;
    if (wholesFit && graph.values.length + copies <= mostValues) return removeDeadCode(repeat(graph, region, axis, pieces(total, most)));
  }
  return undefined;
}

/** Values of a graph that is still planned within seconds. */
const mostValues = 30_000;

/** The ops whose results, or statistics, are larger in memory than a binding, and their bytes. */
function largeValues(graph: Graph, groups: readonly Group[], { binding }: PlanBounds): ReadonlyMap<ValueId, number> {
  const large = new Map<ValueId, number>();
  const note = (id: ValueId, bytes: number): void => {
    if (bytes > binding) large.set(id, Math.max(bytes, large.get(id) ?? 0));
  };
  const wholes = graph.values.filter(isInPlace);
  const isNear = ({ type }: OpValue) => sizeOf(type.shape) * bytesOfDType.f32 > binding;
  // Halves are f32 in memory where they are not written in fours, which is known once values have their places.
  const doubtful = [...groups.map(({ tail }) => tail), ...wholes].some((op) => isNear(op) && op.type.dtype === "f16");
  const storage = doubtful ? placeValues(graph, groups, binding) : undefined;
  const bytesIn = ({ type }: OpValue, stored: Stored | undefined) => sizeOf(type.shape) * bytesOfDType[stored?.dtype ?? type.dtype];
  for (const group of groups) {
    const { tail, kind } = group;
    if (kind === "statistics") note(tail.id, sizeOf(statisticsShape(group)) * bytesOfDType.f32);
    else if (isNear(tail)) note(tail.id, bytesIn(tail, storage?.result(group)));
  }
  for (const whole of wholes) note(whole.id, bytesIn(whole, storage?.stored(whole.id)));
  return large;
}

/** Of a value that pieces are put together to, in memory. */
function wholeBytes({ dtype, shape }: TensorType, isOutput: boolean): number {
  const halves = !isOutput && dtype === "f16" && shape.length > 1 && (shape[channelsOf(shape)] ?? 1) % 4 === 0;
  return sizeOf(shape) * (halves ? bytesOfDType.f16 : bytesOfDType.f32);
}

interface Part {
  readonly start: number;
  readonly size: number;
}

/** Pieces as equal as they can be, so that they share kernels. */
function pieces(total: number, most: number): readonly Part[] {
  const count = Math.ceil(total / most);
  const size = Math.ceil(total / count);
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => ({ start: i * size, size: Math.min(size, total - i * size) }));
}

/** The large values and what follows from them frame by frame, and what else follows from them and so comes after. */
interface Region {
  readonly members: ReadonlySet<ValueId>;
  readonly after: ReadonlySet<ValueId>;
}

/** From `start` on, which is the core of the kernel that makes the first where that can be cut: its result need not be there whole. */
function regionOf(graph: Graph, first: OpValue, start: OpValue): Region {
  const byId = valuesById(graph);
  const members = new Set<ValueId>();
  const after = new Set<ValueId>();
  for (const op of graph.values) {
    if (op.kind !== "op") continue;
    const follows = op.inputs.some((id) => members.has(id));
    const late = op.inputs.some((id) => after.has(id));
    if (!late && (op === start || follows) && isPieceByPiece(op, first.type.shape, byId)) members.add(op.id);
    else if (late || follows) after.add(op.id);
  }
  return { members, after };
}

/** They move axes, or know which row is which. */
const wholeOnly: ReadonlySet<OpName> = new Set(["reshape", "transpose", "broadcast", "maskedSoftmax"]);

function isPieceByPiece(op: OpValue, like: readonly number[], byId: (id: ValueId) => Value): boolean {
  const axis = axisOf(like.length);
  const { shape } = op.type;
  if (shape.length !== like.length || shape[axis] !== like[axis] || wholeOnly.has(op.op)) return false;
  const shapes = op.inputs.map((id) => byId(id).type.shape);
  return !opEntry(op.op)
    .mixes(shapes, op.attributes)
    .some((mix) => mix.axis === axis);
}

/** The members that must be put together again: what others read, and outputs. */
function wholesOf(graph: Graph, { members, after }: Region): ReadonlySet<ValueId> {
  const read = graph.values.flatMap((value) => (value.kind === "op" && after.has(value.id) ? value.inputs : []));
  return new Set([...graph.outputs.map(({ value }) => value), ...read].filter((id) => members.has(id)));
}

function repeat(graph: Graph, region: Region, axis: number, parts: readonly Part[]): Graph {
  const byId = valuesById(graph);
  const builder = new GraphBuilder(1 + graph.values.reduce((largest, { id }) => Math.max(largest, id), -1));
  const members = graph.values.filter((value): value is OpValue => value.kind === "op" && region.members.has(value.id));
  for (const value of graph.values) if (!region.members.has(value.id) && !region.after.has(value.id)) builder.keep(value);

  const made = new Map<ValueId, ValueId[]>(members.map(({ id }) => [id, []]));
  for (const part of parts) {
    const here = new Map<ValueId, ValueId>();
    const take = (id: ValueId, reader: OpValue): ValueId => {
      const known = here.get(id) ?? cutOf(id, byId(id).type, reader, axis, part, builder);
      here.set(id, known);
      return known;
    };
    for (const op of members) {
      // Weights follow the inputs, and may have as many rows as there are frames.
      const { inputs: own, ownsWeights } = opEntry(op.op).signature;
      const inputs = op.inputs.map((id, i) => (ownsWeights && i >= own.length ? id : take(id, op)));
      const id = builder.op(op.op, inputs, op.attributes, op.origin);
      here.set(op.id, id);
      made.get(op.id)?.push(id);
    }
  }
  const late = graph.values.filter((value): value is OpValue => value.kind === "op" && region.after.has(value.id));
  const wanted = wholesOf(graph, region);
  for (const op of members) {
    // The whole keeps its number, by which its readers and the graph before know it.
    if (wanted.has(op.id)) builder.keep({ ...op, op: "concat", inputs: made.get(op.id) ?? [], attributes: { axis, inPlace: true } });
  }
  for (const op of late) builder.keep(op);
  return builder.finish(graph.name, graph.outputs);
}

/** An operand's part of a piece: tokens and times have the axes of what is made of them but the last. What is one for all pieces stays as it is. */
function cutOf(id: ValueId, type: TensorType, reader: OpValue, axis: number, part: Part, builder: GraphBuilder): ValueId {
  if (type.shape[axis] !== reader.type.shape[axis]) return id;
  return builder.op("slice", [id], { axis, ...part }, reader.origin);
}
