/** A graph to groups of ops, each one kernel: a core that sums, and the element ops that its result goes through before it reaches memory. */

import { bytesOf, type Graph, type OpValue, sizeOf, type Value, type ValueId, valuesById } from "../../../graph/graph.ts";
import { countReaders } from "../../../rewriting/rewrite.ts";
import { formOf } from "../forms/table.ts";
import { type Group, isInPlace } from "../layout/group.ts";
import { groupsTogether } from "../layout/norm-groups.ts";

interface Open {
  /** How many groups were begun before. */
  readonly index: number;
  core?: OpValue;
  siblings: OpValue[];
  tail: OpValue;
  readonly kind: Group["kind"];
  gated: boolean;
  /** Buffers that are read beside the core's own. */
  readonly others: Set<ValueId>;
}

/** Residuals and shifts that a kernel may read beside its core's operands, so that all fit eight bindings. */
const mostOthers = 3;

/** `limit` is the largest binding in bytes: siblings whose buffer would be larger stay apart. */
export function fuse(graph: Graph, limit: number): readonly Group[] {
  const byId = valuesById(graph);
  const readers = countReaders(graph);
  const outputs = new Set(graph.outputs.map((output) => output.value));
  const wanted = wantedInMemory(graph);
  const around: Surroundings = { readersOf: readingOps(graph), outputs, limit };
  const groups: Open[] = [];
  const tails = new Map<ValueId, Open>();

  const begin = (group: Omit<Open, "index" | "siblings" | "gated" | "others">): void => {
    const open = { ...group, index: groups.length, siblings: [], gated: false, others: new Set<ValueId>() };
    groups.push(open);
    if (group.kind === "kernel") tails.set(group.tail.id, open);
  };

  /** The group whose result the value is, seen through index maps that lose nothing and that nobody else reads. */
  const producer = (id: ValueId, size: number): Open | undefined => {
    let value: Value = byId(id);
    for (;;) {
      if (value.kind !== "op" || readers.get(value.id) !== 1 || outputs.has(value.id) || sizeOf(value.type.shape) !== size)
        return undefined;
      const open = tails.get(value.id);
      if (open !== undefined) return open;
      const form = formOf(value.op);
      const [input] = value.inputs;
      if (form.kind !== "move" || !form.bijective || input === undefined) return undefined;
      value = byId(input);
    }
  };

  const extend = (op: OpValue): void => {
    const size = sizeOf(op.type.shape);
    const candidates = [...new Set(op.inputs.flatMap((id) => producer(id, size) ?? []))];
    candidates.sort(isBefore);
    const chosen = candidates.find((open) => othersWith(open, op, byId).size <= mostOthers);
    if (chosen === undefined) {
      begin({ tail: op, kind: "kernel" });
      return;
    }
    for (const id of othersWith(chosen, op, byId)) chosen.others.add(id);
    tails.delete(chosen.tail.id);
    chosen.tail = op;
    tails.set(op.id, chosen);
  };

  /** An index map whose result is wanted in memory: the kernel before it writes there, or one that does nothing else. */
  const finishAt = (op: OpValue): void => {
    const form = formOf(op.op);
    const open = form.kind === "move" && form.bijective ? producer(op.inputs[0] ?? -1, sizeOf(op.type.shape)) : undefined;
    if (open === undefined || open.siblings.length > 0) begin({ tail: op, kind: "kernel" });
    else {
      tails.delete(open.tail.id);
      open.tail = op;
    }
  };

  for (const op of graph.values) {
    if (op.kind !== "op") continue;
    const form = formOf(op.op);
    if (op.op === "groupNorm" && groupsTogether(op) === undefined) {
      begin({ core: op, tail: op, kind: "statistics" });
      begin({ tail: op, kind: "kernel" });
    } else if (form.kind === "kernel") {
      if (op.op !== "linear" || !joinSiblings(op, groups, around)) begin({ core: op, tail: op, kind: "kernel" });
    } else if (op.op === "geglu" && gates(op, tails.get(op.inputs[0] ?? -1), around)) {
      const open = tails.get(op.inputs[0] ?? -1) as Open;
      open.gated = true;
      tails.delete(open.tail.id);
      open.tail = op;
      tails.set(op.id, open);
    } else if (form.kind === "element" || (form.kind === "gather" && op.op !== "concat")) extend(op);
    else if (wanted.has(op.id) && !isInPlace(op)) finishAt(op);
  }
  return inOrder(graph, groups);
}

/** What must reach memory, were it only moved: outputs, pieces of a whole, and matrices that are read row by row. */
function wantedInMemory(graph: Graph): ReadonlySet<ValueId> {
  const wanted = new Set(graph.outputs.map((output) => output.value));
  for (const value of graph.values) {
    if (value.kind !== "op") continue;
    if (isInPlace(value)) for (const id of value.inputs) wanted.add(id);
    if (value.op === "matmul") wanted.add(value.inputs[1] ?? -1);
  }
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

/** Large values that the group would read beside its core's operands if it took the op in. */
function othersWith(open: Open, op: OpValue, byId: (id: ValueId) => Value): ReadonlySet<ValueId> {
  const others = new Set(open.others);
  for (const id of op.inputs) {
    for (const source of sourcesOf(id, byId)) if (source !== open.tail.id) others.add(source);
  }
  return others;
}

/** The values in memory that a value is read from through index maps; weights lie together and count as none. */
export function sourcesOf(id: ValueId, byId: (id: ValueId) => Value): readonly ValueId[] {
  const value = byId(id);
  if (value.kind === "input") return [id];
  if (value.kind !== "op") return [];
  const form = formOf(value.op);
  if (form.kind === "move" || value.op === "concat") return value.inputs.flatMap((input) => sourcesOf(input, byId));
  return [id];
}

interface Surroundings {
  readonly readersOf: ReadonlyMap<ValueId, readonly OpValue[]>;
  readonly outputs: ReadonlySet<ValueId>;
  readonly limit: number;
}

/**
 * Joins a linear op to one of the same rows, where both results go to other kernels' operands as they are (queries, keys
 * and values; every block's linear of the step embedding): one product instead of several.
 */
function joinSiblings(op: OpValue, groups: readonly Open[], around: Surroundings): boolean {
  const joinable = (one: OpValue) => (one.type.shape.at(-1) ?? 0) % 4 === 0 && isOperandOnly(one, around);
  if (!joinable(op)) return false;
  const first = groups.find(
    ({ core, tail, siblings }) =>
      core?.op === "linear" &&
      tail === core &&
      core.inputs[0] === op.inputs[0] &&
      core.type.dtype === op.type.dtype &&
      core.inputs.length === op.inputs.length &&
      [core, ...siblings, op].reduce((sum, one) => sum + bytesOf(one.type), 0) <= around.limit &&
      joinable(core),
  );
  if (first?.core === undefined) return false;
  if (first.siblings.length === 0) first.siblings.push(first.core);
  first.siblings.push(op);
  return true;
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
