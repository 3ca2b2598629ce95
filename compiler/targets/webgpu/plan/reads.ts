/** An op to what a kernel binds to read its operands: what lies in buffers of its own, and small weights side by side in one. */

import { type OpValue, sizeOf, type Value, type ValueId } from "../../../graph/graph.ts";
import { matrixOf } from "../forms/windows.ts";
import { groupsTogether } from "../layout/norm-groups.ts";
import { wholeParts } from "../layout/whole-constants.ts";
import { isReadThrough } from "./index-text.ts";
import type { PlanBounds } from "./limits.ts";
import { rowRuns } from "./storage.ts";

export interface Reads {
  /** Values in memory. Some share a buffer, so that a kernel has no more bindings than these. */
  readonly values: ReadonlySet<ValueId>;
  /** Bindings beside those: the runs of a table's rows, a group norm's statistics. */
  readonly others: ReadonlySet<string>;
  /** Bytes of each small weight and constant. */
  readonly small: ReadonlyMap<ValueId, number>;
}

export const noReads: Reads = { values: new Set(), others: new Set(), small: new Map() };

export function allReads(reads: readonly Reads[]): Reads {
  const some = reads.filter(({ values, others, small }) => values.size + others.size + small.size > 0);
  const [only = noReads] = some;
  if (some.length <= 1) return only;
  return {
    values: new Set(some.flatMap(({ values }) => [...values])),
    others: new Set(some.flatMap(({ others }) => [...others])),
    small: new Map(some.flatMap(({ small }) => [...small])),
  };
}

/** What is left to read once a value has been computed at hand. */
export function without(reads: Reads, id: ValueId): Reads {
  const { values, others, small } = reads;
  if (!values.has(id)) return reads;
  return { values: new Set([...values].filter((one) => one !== id)), others, small };
}

/** The bindings of a kernel that reads this and writes one result. */
export function bindingsOf({ values, others, small }: Reads): number {
  return values.size + others.size + (small.size > 0 ? 1 : 0) + 1;
}

export function bytesOfSmall({ small }: Reads): number {
  return [...small.values()].reduce((sum, bytes) => sum + bytes, 0);
}

export class Reading {
  private readonly known = new Map<ValueId, Reads>();
  private readonly ops = new Map<OpValue, Reads>();
  private readonly value: (id: ValueId) => Value;
  private readonly bounds: PlanBounds;

  constructor(value: (id: ValueId) => Value, bounds: PlanBounds) {
    this.value = value;
    this.bounds = bounds;
  }

  /** What a value is read from, through index maps and concatenations. */
  of(id: ValueId): Reads {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const found = this.find(this.value(id));
    this.known.set(id, found);
    return found;
  }

  private find(value: Value): Reads {
    if (isReadThrough(value)) {
      const [first] = value.inputs;
      return value.inputs.length === 1 && first !== undefined ? this.of(first) : allReads(value.inputs.map((id) => this.of(id)));
    }
    if (isInMemory(value)) return { ...noReads, values: new Set([value.id]) };
    if (value.kind === "constant" && value.data.every((number) => number === value.data[0])) return noReads;
    const parts = value.kind === "constant" && value.type.dtype === "i32" ? wholeParts(value.data).length : 1;
    return { ...noReads, small: new Map([[value.id, parts * smallBytes(sizeOf(value.type.shape))]]) };
  }

  /** All that an op reads: operands, its matrix, its table. */
  operands(op: OpValue): Reads {
    const known = this.ops.get(op);
    if (known !== undefined) return known;
    const found = this.findOperands(op);
    this.ops.set(op, found);
    return found;
  }

  private findOperands(op: OpValue): Reads {
    return allReads([...op.inputs.map((id, index) => this.operand(op, id, index)), ownTables(op)]);
  }

  private operand(op: OpValue, id: ValueId, index: number): Reads {
    if (index === 1 && matrixOf(op, this.value) !== undefined) return { ...noReads, others: new Set(["matrix"]) };
    if (index !== 1 || op.op !== "embedding") return this.of(id);
    const runs = rowRuns(this.value(id).type, this.bounds.binding);
    // More than any device binds need no names.
    return { ...noReads, others: new Set(Array.from({ length: Math.min(runs, 64) }, (_, run) => `table ${id} ${run}`)) };
  }
}

/** Of what is not read through: weights and constants are small. */
function isInMemory({ kind }: Value): boolean {
  return kind === "input" || kind === "op";
}

/** What an op brings along that is no value: numbers known at compile time, statistics of a kernel before it. */
function ownTables(op: OpValue): Reads {
  if (op.op === "sinusoid") return { ...noReads, small: new Map([[op.id, 2 * smallBytes(op.type.shape[1] ?? 1)]]) };
  if (op.op === "rotary") return { ...noReads, small: new Map([[op.id, smallBytes(op.type.shape.at(-1) ?? 1)]]) };
  if (op.op === "groupNorm" && groupsTogether(op) === undefined) return { ...noReads, others: new Set([`statistics ${op.id}`]) };
  return noReads;
}

/** Small weights are f32 and begin at vec4s. */
function smallBytes(elements: number): number {
  return Math.ceil(elements / 4) * 16;
}
