/** Computes ops whose inputs are all known, and drops arithmetic with the neutral element. */

import { type Graph, type OpValue, sizeOf, type Value, type ValueId } from "../graph/graph.ts";
import { opEntry } from "../ops/table.ts";
import { type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

/** A larger result is cheaper to compute again than to carry in the graph. */
const largestFolded = 4096;

export function foldConstants(graph: Graph): Graph {
  return rewriteOps(graph, (op, rewriting) => neutral(op, rewriting) ?? folded(op, rewriting));
}

function folded(op: OpValue, { builder, value }: Rewriting): ValueId | undefined {
  if (sizeOf(op.type.shape) > largestFolded) return undefined;
  const inputs = op.inputs.map(value);
  if (!inputs.every((input) => input.kind === "constant")) return undefined;
  const tensors = inputs.map((input) => ({ shape: input.type.shape, data: arrayOf(input) }));
  const data = Array.from(opEntry(op.op).reference(tensors, op.attributes, op.type).data);
  // A graph's JSON holds no infinities.
  return data.every(Number.isFinite) ? builder.constant(op.type, data) : undefined;
}

function arrayOf(value: Value): Float32Array | Int32Array {
  if (value.kind !== "constant") throw new Error("constant folding: not a constant");
  return value.type.dtype === "i32" ? Int32Array.from(value.data) : Float32Array.from(value.data);
}

/** x * 1, x / 1, x + 0, x - 0, where the constant does not stretch x. */
function neutral(op: OpValue, { builder, value }: Rewriting): ValueId | undefined {
  const element = op.op === "mul" || op.op === "div" ? 1 : op.op === "add" || op.op === "sub" ? 0 : undefined;
  if (element === undefined) return undefined;
  const [left = -1, right = -1] = op.inputs;
  const isNeutral = (id: ValueId): boolean => {
    const candidate = value(id);
    return candidate.kind === "constant" && candidate.data.every((item) => item === element);
  };
  const isWhole = (id: ValueId): boolean => sizeOf(builder.typeOf(id).shape) === sizeOf(op.type.shape);
  if (isNeutral(right) && isWhole(left)) return left;
  if ((op.op === "mul" || op.op === "add") && isNeutral(left) && isWhole(right)) return right;
  return undefined;
}
