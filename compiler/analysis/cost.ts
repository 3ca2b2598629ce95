/** What a graph costs: parameters, tensors, operations and memory, for the whole and in shares by weight path, declared block and op. */

import { bytesOf, type Graph, type OpValue, sizeOf, type TensorType, type ValueId, valuesById } from "../graph/graph.ts";
import type { OpName } from "../graph/op-names.ts";
import { opEntry } from "../ops/table.ts";
import { lastReaders } from "./last-readers.ts";

export interface Cost {
  readonly parameters: number;
  readonly tensors: number;
  /** Floating-point operations of one run, 2 × multiply-adds of convolutions and matrix products. */
  readonly flops: number;
}

export interface Share extends Cost {
  readonly name: string;
}

/** Three ways to cut one graph, each in the order of the graph; what costs nothing is left out. */
export interface Shares {
  /** By weight path, `unet.down.0`, as deep as asked. */
  readonly path: readonly Share[];
  /** By block as it is declared, `ResBlock`, with all that it calls: a block within another counts in both, and what stands in the graph itself in none. */
  readonly block: readonly Share[];
  /** By op, `conv2d`; a weight counts for the op that computes with it. */
  readonly op: readonly Share[];
}

export interface GraphCost extends Cost {
  readonly nodes: number;
  /** The largest sum of bytes of values alive at once, in the order of the graph; inputs count, weights do not. */
  readonly activationBytes: number;
  readonly weightBytes: number;
  readonly by: Shares;
}

export function costOf(graph: Graph, depth: number): GraphCost {
  const typeOf = typesOf(graph);
  const usedBy = usersOfWeights(graph);
  const total = { parameters: 0, tensors: 0, flops: 0 };
  const by = { path: new Tally(), block: new Tally(), op: new Tally() };
  const add = (path: string, op: OpValue | undefined, cost: Cost) => {
    addTo(total, cost);
    by.path.add(path.split(".").slice(0, depth).join("."), cost);
    if (op === undefined) return;
    for (const block of new Set(op.origin.expandedFrom.map((call) => call.block).reverse())) by.block.add(block, cost);
    by.op.add(op.op, cost);
  };
  let weightBytes = 0;
  for (const value of graph.values) {
    if (value.kind === "weight") {
      add(parentOf(value.path), usedBy.get(value.id), { parameters: sizeOf(value.type.shape), tensors: 1, flops: 0 });
      weightBytes += bytesOf(value.type);
    }
    if (value.kind === "op") add(value.origin.path, value, { parameters: 0, tensors: 0, flops: flopsOf(value, typeOf) });
  }
  const nodes = graph.values.filter((value) => value.kind === "op").length;
  const shares = { path: by.path.shares(), block: by.block.shares(), op: by.op.shares() };
  return { ...total, nodes, activationBytes: peakBytes(graph), weightBytes, by: shares };
}

type Sum = { -readonly [K in keyof Cost]: number };

function addTo(sum: Sum, cost: Cost): void {
  sum.parameters += cost.parameters;
  sum.tensors += cost.tensors;
  sum.flops += cost.flops;
}

class Tally {
  private readonly sums = new Map<string, Sum>();

  add(name: string, cost: Cost): void {
    const sum = this.sums.get(name) ?? { parameters: 0, tensors: 0, flops: 0 };
    this.sums.set(name, sum);
    addTo(sum, cost);
  }

  shares(): Share[] {
    return [...this.sums].map(([name, sum]) => ({ name, ...sum })).filter((share) => share.parameters > 0 || share.flops > 0);
  }
}

/** The op that computes with each weight: its first reader, seen through those that only lay it out anew. */
function usersOfWeights(graph: Graph): ReadonlyMap<ValueId, OpValue> {
  const laidOut = new Set<OpName>(["reshape", "transpose", "broadcast", "cast"]);
  const weightOf = new Map<ValueId, ValueId>();
  const users = new Map<ValueId, OpValue>();
  for (const value of graph.values) {
    if (value.kind === "weight") weightOf.set(value.id, value.id);
    if (value.kind !== "op") continue;
    for (const input of value.inputs) {
      const weight = weightOf.get(input);
      if (weight === undefined) continue;
      if (laidOut.has(value.op)) weightOf.set(value.id, weight);
      else if (!users.has(weight)) users.set(weight, value);
    }
  }
  return users;
}

function flopsOf(op: OpValue, typeOf: (id: ValueId) => TensorType): number {
  return opEntry(op.op).flops(op.inputs.map(typeOf), op.type, op.attributes);
}

function typesOf(graph: Graph): (id: ValueId) => TensorType {
  const byId = valuesById(graph);
  return (id) => byId(id).type;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

/** Values live from where they are made to their last reader; views are counted as their own, so this is an upper bound of a planner's lower bound. */
export function peakBytes(graph: Graph): number {
  const lastRead = lastReaders(graph);
  const dying = new Map<number, number>();
  let live = 0;
  let peak = 0;
  for (const [i, value] of graph.values.entries()) {
    if (value.kind === "weight" || value.kind === "constant") continue;
    const bytes = bytesOf(value.type);
    live += bytes;
    peak = Math.max(peak, live);
    const death = lastRead.get(value.id) ?? i;
    dying.set(death, (dying.get(death) ?? 0) + bytes);
    live -= dying.get(i) ?? 0;
  }
  return peak;
}
