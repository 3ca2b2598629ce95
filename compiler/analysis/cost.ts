/** What a graph costs: parameters, tensors, operations and memory of activations, for the whole and for each block by weight path. */

import { bytesOf, type Graph, type OpValue, sizeOf, type TensorType, type ValueId, valuesById } from "../graph/graph.ts";
import { opEntry } from "../ops/table.ts";
import { lastReaders } from "./last-readers.ts";

export interface BlockCost {
  /** The weight path of the block, `unet.down.0`. */
  readonly path: string;
  readonly parameters: number;
  readonly tensors: number;
  readonly flops: number;
}

export interface GraphCost {
  readonly parameters: number;
  readonly tensors: number;
  /** Floating-point operations of one run, 2 × multiply-adds of convolutions and matrix products. */
  readonly flops: number;
  readonly nodes: number;
  /** The largest sum of bytes of values alive at once, in the order of the graph; inputs count, weights do not. */
  readonly activationBytes: number;
  readonly blocks: readonly BlockCost[];
}

export function costOf(graph: Graph, depth: number): GraphCost {
  const typeOf = typesOf(graph);
  const blocks = new Map<string, { parameters: number; tensors: number; flops: number }>();
  const total = { parameters: 0, tensors: 0, flops: 0 };
  const add = (path: string, cost: { parameters?: number; tensors?: number; flops?: number }) => {
    const key = path.split(".").slice(0, depth).join(".");
    const block = blocks.get(key) ?? { parameters: 0, tensors: 0, flops: 0 };
    blocks.set(key, block);
    for (const sum of [block, total]) {
      sum.parameters += cost.parameters ?? 0;
      sum.tensors += cost.tensors ?? 0;
      sum.flops += cost.flops ?? 0;
    }
  };
  for (const value of graph.values) {
    if (value.kind === "weight") add(parentOf(value.path), { parameters: sizeOf(value.type.shape), tensors: 1 });
    if (value.kind === "op") add(value.origin.path, { flops: flopsOf(value, typeOf) });
  }
  return {
    ...total,
    nodes: graph.values.filter((value) => value.kind === "op").length,
    activationBytes: peakBytes(graph),
    blocks: [...blocks].map(([path, cost]) => ({ path, ...cost })).filter((block) => block.parameters > 0 || block.flops > 0),
  };
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
function peakBytes(graph: Graph): number {
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
