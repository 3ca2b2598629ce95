/** A graph to groups of ops, each one kernel: a core that sums, and the element ops that its result goes through before it reaches memory. */

import { bytesOf, bytesOfDType, type Graph, type OpValue, sizeOf, type Value, type ValueId, valuesById } from "../../../graph/graph.ts";
import { countReaders } from "../../../rewriting/rewrite.ts";
import { follow } from "../forms/chain.ts";
import { formOf } from "../forms/table.ts";
import { type Coordinate, probes } from "../layout/coordinates.ts";
import { type Group, isInPlace } from "../layout/group.ts";
import { groupsTogether } from "../layout/norm-groups.ts";
import { indexText, isReadThrough, mostIndexText } from "./index-text.ts";
import type { PlanBounds } from "./limits.ts";
import { allReads, bindingsOf, bytesOfSmall, Reading, type Reads, without } from "./reads.ts";

interface Open {
  /** How many groups were begun before. */
  readonly index: number;
  core?: OpValue;
  siblings: OpValue[];
  tail: OpValue;
  readonly kind: Group["kind"];
  gated: boolean;
  /** All that its kernel reads, and of that what is read beside the first op's own. */
  reads: Reads;
  others: Reads;
  /** Where an element of the first op's result stands in the tail. */
  place: readonly Coordinate[];
  /** Characters of the ops that were taken in. */
  text: number;
}

/** Residuals and shifts that a kernel may read beside its core's operands. */
const mostOthers = 3;
/** Characters that a kernel may grow by in what it takes in, each written for up to sixteen of a thread's results. */
const mostText = 900;
/** Of an element op, beside the places of what it reads, and of the place of what lies in memory as it is. */
const ofOp = 60;
const ofRead = 40;

/** Nothing joins a kernel that would bring it beyond the bounds: what each op alone keeps, all together keep. */
export function fuse(graph: Graph, bounds: PlanBounds): readonly Group[] {
  const byId = valuesById(graph);
  const reading = new Reading(byId, bounds);
  const readers = countReaders(graph);
  const outputs = new Set(graph.outputs.map((output) => output.value));
  const pieces = piecesOf(graph);
  const wanted = wantedInMemory(graph, pieces);
  const around: Surroundings = { readersOf: readingOps(graph), outputs, bounds, reading, byId };
  const groups: Open[] = [];
  const tails = new Map<ValueId, Open>();
  /** Groups whose core is a linear op, by its operand. */
  const linears = new Map<ValueId, Open[]>();

  const begin = (group: Pick<Open, "core" | "tail" | "kind">): void => {
    const { tail } = group;
    const open: Open = {
      ...group,
      index: groups.length,
      siblings: [],
      gated: false,
      reads: reading.operands(tail),
      others: allReads([]),
      place: probes(tail.type.shape),
      text: 0,
    };
    groups.push(open);
    if (group.core?.op === "linear") {
      const [operand = -1] = group.core.inputs;
      linears.set(operand, [...(linears.get(operand) ?? []), open]);
    }
    if (group.kind === "kernel") tails.set(group.tail.id, open);
  };

  /** The group whose result the value is, seen through index maps that lose nothing and that nobody else reads: `path`, the last first. */
  const producer = (id: ValueId, size: number): { readonly open: Open; readonly path: readonly OpValue[] } | undefined => {
    let value: Value = byId(id);
    const path: OpValue[] = [];
    for (;;) {
      if (value.kind !== "op" || readers.get(value.id) !== 1 || outputs.has(value.id) || sizeOf(value.type.shape) !== size)
        return undefined;
      const open = tails.get(value.id);
      if (open !== undefined) return { open, path };
      const form = formOf(value.op);
      const [input] = value.inputs;
      if (form.kind !== "move" || !form.bijective || input === undefined) return undefined;
      path.push(value);
      value = byId(input);
    }
  };

  /** What the group would be with the op as its tail; undefined where that is beyond the bounds. */
  const joined = (open: Open, path: readonly OpValue[], op: OpValue): Partial<Open> | undefined => {
    const more = without(reading.operands(op), open.tail.id);
    const reads = allReads([open.reads, more]);
    const others = allReads([open.others, more]);
    if (others.values.size > mostOthers) return undefined;
    const text = open.text + ofOp + op.inputs.reduce((sum, id) => sum + textOf(id), 0);
    const place = follow([op, ...path].reverse(), open.place);
    const fits =
      bindingsOf(reads) <= bounds.buffers && bytesOfSmall(reads) <= bounds.binding && text <= mostText && lengthOf(place) <= mostIndexText;
    return fits ? { reads, others, text, place } : undefined;
  };

  const texts = new Map<ValueId, number>();
  const textOf = (id: ValueId): number => {
    const value = byId(id);
    const found = texts.get(id) ?? (isReadThrough(value) ? indexText(value, byId, mostText) : ofRead);
    texts.set(id, found);
    return found;
  };

  const extend = (op: OpValue): void => {
    const size = sizeOf(op.type.shape);
    const candidates = new Map(op.inputs.flatMap((id) => producer(id, size) ?? []).map((found) => [found.open, found.path]));
    for (const [open, path] of [...candidates].sort(([a], [b]) => isBefore(a, b))) {
      const grown = joined(open, path, op);
      if (grown === undefined) continue;
      tails.delete(open.tail.id);
      Object.assign(open, grown, { tail: op });
      tails.set(op.id, open);
      return;
    }
    begin({ tail: op, kind: "kernel" });
  };

  /** An index map whose result is wanted in memory: the kernel before it writes there, or one that does nothing else. */
  const finishAt = (op: OpValue): void => {
    const form = formOf(op.op);
    const size = sizeOf(op.type.shape);
    const found = form.kind === "move" && form.bijective && !pieces.has(op.id) ? producer(op.inputs[0] ?? -1, size) : undefined;
    const place = found && follow([op, ...found.path].reverse(), found.open.place);
    if (found === undefined || place === undefined || found.open.siblings.length > 0 || lengthOf(place) > mostIndexText) {
      begin({ tail: op, kind: "kernel" });
      return;
    }
    tails.delete(found.open.tail.id);
    Object.assign(found.open, { tail: op, place });
  };

  for (const op of graph.values) {
    if (op.kind !== "op") continue;
    const form = formOf(op.op);
    if (op.op === "groupNorm" && groupsTogether(op) === undefined) {
      begin({ core: op, tail: op, kind: "statistics" });
      begin({ tail: op, kind: "kernel" });
    } else if (form.kind === "kernel") {
      if (op.op !== "linear" || !joinSiblings(op, linears.get(op.inputs[0] ?? -1) ?? [], around))
        begin({ core: op, tail: op, kind: "kernel" });
    } else if (op.op === "geglu" && gates(op, tails.get(op.inputs[0] ?? -1), around)) {
      const open = tails.get(op.inputs[0] ?? -1) as Open;
      open.gated = true;
      tails.delete(open.tail.id);
      open.tail = op;
      open.place = probes(op.type.shape);
      tails.set(op.id, open);
    } else if (form.kind === "gather" && form.readsElsewhere) begin({ tail: op, kind: "kernel" });
    else if (form.kind === "element" || (form.kind === "gather" && op.op !== "concat")) extend(op);
    else if (wanted.has(op.id) && !isInPlace(op)) finishAt(op);
  }
  return inOrder(graph, groups);
}

/** Characters of the numbers that a place is made of. */
function lengthOf(place: readonly Coordinate[]): number {
  return place.flat().reduce((sum, { base }) => sum + base.length, 0);
}

/** The pieces of what is computed in place. */
function piecesOf(graph: Graph): ReadonlySet<ValueId> {
  return new Set(graph.values.flatMap((value) => (isInPlace(value) ? value.inputs : [])));
}

/** What must reach memory, were it only moved: outputs, pieces of a whole, and matrices that are read row by row. */
function wantedInMemory(graph: Graph, pieces: ReadonlySet<ValueId>): ReadonlySet<ValueId> {
  const wanted = new Set([...graph.outputs.map((output) => output.value), ...pieces]);
  for (const value of graph.values) if (value.kind === "op" && value.op === "matmul") wanted.add(value.inputs[1] ?? -1);
  return wanted;
}

function readingOps(graph: Graph): ReadonlyMap<ValueId, readonly OpValue[]> {
  const readers = new Map<ValueId, OpValue[]>();
  for (const op of graph.values) {
    if (op.kind !== "op") continue;
    for (const id of op.inputs) {
      const known = readers.get(id);
      if (known === undefined) readers.set(id, [op]);
      else known.push(op);
    }
  }
  return readers;
}

/** Groups with a core before those without, the later before the earlier: the other operand must be there when the tail is computed. */
function isBefore(a: Open, b: Open): number {
  return Number(b.core !== undefined) - Number(a.core !== undefined) || b.index - a.index;
}

interface Surroundings {
  readonly readersOf: ReadonlyMap<ValueId, readonly OpValue[]>;
  readonly outputs: ReadonlySet<ValueId>;
  readonly bounds: PlanBounds;
  readonly reading: Reading;
  readonly byId: (id: ValueId) => Value;
}

/**
 * Joins a linear op to one of the same rows, where both results go to other kernels' operands as they are (queries, keys
 * and values; every block's linear of the step embedding): one product instead of several.
 */
function joinSiblings(op: OpValue, same: readonly Open[], around: Surroundings): boolean {
  const joinable = (one: OpValue) => (one.type.shape.at(-1) ?? 0) % 4 === 0 && isOperandOnly(one, around);
  if (!joinable(op)) return false;
  const first = same.find(
    ({ core, tail, siblings }) =>
      core !== undefined &&
      tail === core &&
      core.type.dtype === op.type.dtype &&
      core.inputs.length === op.inputs.length &&
      fitTogether(core, siblings.length > 0 ? siblings : [core], op, around) &&
      joinable(core),
  );
  if (first?.core === undefined) return false;
  if (first.siblings.length === 0) first.siblings.push(first.core);
  first.siblings.push(op);
  return true;
}

/** Whether one binding each holds the results of linear ops side by side, their matrices and their biases. */
function fitTogether(core: OpValue, siblings: readonly OpValue[], op: OpValue, { bounds, reading, byId }: Surroundings): boolean {
  const ops = [...siblings, op];
  // Room for one more is left from the third on: what lies side by side lives as long as the longest of it.
  const results = [...ops, ...(siblings.length > 1 ? [core] : [])].reduce((sum, { type }) => sum + bytesOf(type), 0);
  if (results > bounds.binding) return false;
  // Their columns are fours, and so lie in the dtype of the results.
  const matrices = ops.reduce((sum, { inputs, type }) => sum + sizeOf(byId(inputs[1] ?? -1).type.shape) * bytesOfDType[type.dtype], 0);
  return Math.max(matrices, bytesOfSmall(allReads(ops.map((one) => reading.operands(one))))) <= bounds.binding;
}

/** Whether the value is read by other kernels as it is; else an element op of its size follows, which its kernel takes in. */
function isOperandOnly(op: OpValue, { readersOf, outputs }: Surroundings): boolean {
  let current = op;
  for (;;) {
    const readers = readersOf.get(current.id) ?? [];
    const [reader] = readers;
    // A piece of a value goes to its place in the whole, which siblings do not share.
    if (outputs.has(current.id) || readers.some(isInPlace)) return false;
    if (reader === undefined || readers.length > 1) return true;
    const form = formOf(reader.op);
    if (form.kind === "move" && form.bijective) current = reader;
    else return reader.op !== "geglu" && !(form.kind === "element" && sizeOf(reader.type.shape) === sizeOf(op.type.shape));
  }
}

/** GEGLU right after its linear: the matrix is packed so that both halves of a pair meet in one thread. */
function gates(op: OpValue, open: Open | undefined, around: Surroundings): boolean {
  const { core, siblings } = open ?? {};
  if (core?.op !== "linear" || open?.tail !== core || siblings?.length !== 0 || around.outputs.has(core.id)) return false;
  return around.readersOf.get(core.id)?.length === 1 && (op.type.shape.at(-1) ?? 0) % 4 === 0;
}

/** Kernels in an order in which each reads what is there: where its tail stands, or the first of its siblings. */
function inOrder(graph: Graph, groups: readonly Open[]): readonly Group[] {
  const position = new Map(graph.values.map((value, i) => [value.id, i]));
  const at = (group: Open) => position.get(group.tail.id) ?? 0;
  return [...groups].sort((a, b) => at(a) - at(b) || a.index - b.index);
}
