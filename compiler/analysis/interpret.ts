/** A graph and its inputs to its outputs, each op by the reference of its row in the table: the oracle of every numeric test. */

import { type Graph, type OpValue, sizeOf, type TensorType, type Value, type ValueId } from "../graph/graph.ts";
import type { Tensor } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";
import { lastReaders } from "./last-readers.ts";

/** Called with each op's result as it is made. */
export type Tap = (value: OpValue, tensor: Tensor) => void;

/**
 * Runs a graph, lowered or not. `inputs` by name and `weight` by path give tensors of the graph's shapes, f16 held as f32.
 * A value is let go after its last reader. Throws for an input or weight that is missing or of another shape.
 */
export function interpret(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  weight: (path: string) => Tensor,
  tap?: Tap,
): Map<string, Tensor> {
  const tensors = new Map<ValueId, Tensor>();
  const lastReader = lastReaders(graph);
  const read = (id: ValueId): Tensor => {
    const tensor = tensors.get(id);
    if (tensor === undefined) throw new Error(`interpret ${graph.name}: value %${id} is read before it is made`);
    return tensor;
  };
  for (const [index, value] of graph.values.entries()) {
    const tensor = value.kind === "op" ? compute(value, read) : given(value, inputs, weight, graph.name);
    tensors.set(value.id, tensor);
    if (value.kind !== "op") continue;
    tap?.(value, tensor);
    for (const id of [...value.inputs, value.id]) if ((lastReader.get(id) ?? index) <= index) tensors.delete(id);
  }
  return new Map(graph.outputs.map((output) => [output.name, read(output.value)]));
}

function compute(value: OpValue, read: (id: ValueId) => Tensor): Tensor {
  return opEntry(value.op).reference(value.inputs.map(read), value.attributes, value.type);
}

function given(
  value: Exclude<Value, OpValue>,
  inputs: ReadonlyMap<string, Tensor>,
  weight: (path: string) => Tensor,
  graph: string,
): Tensor {
  switch (value.kind) {
    case "constant":
      return { shape: value.type.shape, data: value.type.dtype === "i32" ? Int32Array.from(value.data) : Float32Array.from(value.data) };
    case "weight":
      return checked(weight(value.path), value.type, `interpret ${graph}: weight ${value.path}`);
    case "input": {
      const tensor = inputs.get(value.name);
      if (tensor === undefined) throw new Error(`interpret ${graph}: input ${value.name} is missing`);
      return checked(tensor, value.type, `interpret ${graph}: input ${value.name}`);
    }
  }
}

function checked(tensor: Tensor, type: TensorType, what: string): Tensor {
  const fits = tensor.shape.join() === type.shape.join() && tensor.data.length === sizeOf(type.shape);
  if (!fits) throw new Error(`${what} should be [${type.shape.join(", ")}], but it is [${tensor.shape.join(", ")}]`);
  return tensor;
}
