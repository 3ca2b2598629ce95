/** Checks the laws of a graph after a stage; a breach is a bug of that stage and throws with its name (law 4). */

import { type Graph, type OpValue, sizeOf, type TensorType, type ValueId } from "../graph/graph.ts";
import { showType } from "../graph/print.ts";
import { inferType } from "./builder.ts";

/** Ops that were right, by the types of their inputs then: a stage leaves most as they are, and what is the same is as right as before. */
const right = new WeakMap<OpValue, readonly TensorType[]>();

export function verify(graph: Graph, stage: string): Graph {
  const breach = (what: string): never => {
    throw new Error(`${stage} broke graph ${graph.name}: ${what}`);
  };
  const types = new Map<ValueId, TensorType>();
  const names = new Set<string>();
  for (const value of graph.values) {
    if (types.has(value.id)) breach(`%${value.id} is defined twice`);
    if (!value.type.shape.every((size) => Number.isInteger(size) && size >= 1)) breach(`%${value.id} has shape ${showType(value.type)}`);
    if (value.kind === "input" || value.kind === "weight") {
      const name = value.kind === "input" ? `input ${value.name}` : `weight ${value.path}`;
      if (names.has(name)) breach(`${name} is there twice`);
      names.add(name);
    }
    if (value.kind === "constant" && value.data.length !== sizeOf(value.type.shape))
      breach(`constant %${value.id} has ${value.data.length} elements`);
    if (value.kind === "op") {
      const inputs = value.inputs.map((id) => types.get(id) ?? breach(`%${value.id} reads %${id} before it is made`));
      const before = right.get(value);
      if (before === undefined || inputs.some((type, i) => type !== before[i])) {
        const inferred = inferType(value.op, inputs, value.attributes);
        if (showType(inferred) !== showType(value.type)) {
          breach(`${value.op} %${value.id} is typed ${showType(value.type)}, but its inputs make ${showType(inferred)}`);
        }
        right.set(value, inputs);
      }
    }
    types.set(value.id, value.type);
  }
  for (const output of graph.outputs) if (!types.has(output.value)) breach(`output ${output.name} is %${output.value}, which is not there`);
  return graph;
}
