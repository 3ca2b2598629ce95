/** A graph and its inputs to its outputs, each op by the reference of its row in the table: the oracle of every numeric test. */

import { type Graph, type OpValue, sizeOf, type TensorType, type Value, type ValueId } from "../graph/graph.ts";
import type { Floats, ResultType, Tensor } from "../ops/op.ts";
import { rounded } from "../ops/reference/tensor.ts";
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
  return new Interpreter<Float32Array>(graph, inputs, weight, false).run(tap);
}

/** `interpret` with every float held and computed as f64, whatever the graph's types say, for finite differences. */
export function interpretWide(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor<Float64Array>>,
  weight: (path: string) => Tensor<Float64Array>,
): Map<string, Tensor<Float64Array>> {
  return new Interpreter<Float64Array>(graph, inputs, weight, true).run();
}

class Interpreter<F extends Floats> {
  private readonly tensors = new Map<ValueId, Tensor<F>>();
  private readonly graph: Graph;
  private readonly inputs: ReadonlyMap<string, Tensor<F>>;
  private readonly weight: (path: string) => Tensor<F>;
  private readonly wide: boolean;

  constructor(graph: Graph, inputs: ReadonlyMap<string, Tensor<F>>, weight: (path: string) => Tensor<F>, wide: boolean) {
    this.graph = graph;
    this.inputs = inputs;
    this.weight = weight;
    this.wide = wide;
  }

  run(tap?: (value: OpValue, tensor: Tensor<F>) => void): Map<string, Tensor<F>> {
    const { graph, tensors } = this;
    const lastReader = lastReaders(graph);
    for (const [index, value] of graph.values.entries()) {
      const tensor = value.kind === "op" ? this.compute(value) : this.given(value);
      tensors.set(value.id, tensor);
      if (value.kind !== "op") continue;
      tap?.(value, tensor);
      for (const id of [...value.inputs, value.id]) if ((lastReader.get(id) ?? index) <= index) tensors.delete(id);
    }
    return new Map(graph.outputs.map((output) => [output.name, this.read(output.value)]));
  }

  private read(id: ValueId): Tensor<F> {
    const tensor = this.tensors.get(id);
    if (tensor === undefined) throw new Error(`interpret ${this.graph.name}: value %${id} is read before it is made`);
    return tensor;
  }

  /** References make what the type says: F. */
  private compute(value: OpValue): Tensor<F> {
    const inputs = value.inputs.map((id) => this.read(id));
    return opEntry(value.op).reference(inputs, value.attributes, this.held(value.type)) as Tensor<F>;
  }

  private held(type: TensorType): ResultType {
    return this.wide ? { ...type, wide: true } : type;
  }

  private given(value: Exclude<Value, OpValue>): Tensor<F> {
    const { graph } = this;
    switch (value.kind) {
      case "constant":
        return rounded(this.held(value.type), value.data) as Tensor<F>;
      case "weight":
        return checked(this.weight(value.path), value.type, `interpret ${graph.name}: weight ${value.path}`);
      case "input": {
        const tensor = this.inputs.get(value.name);
        if (tensor === undefined) throw new Error(`interpret ${graph.name}: input ${value.name} is missing`);
        return checked(tensor, value.type, `interpret ${graph.name}: input ${value.name}`);
      }
    }
  }
}

function checked<F extends Floats>(tensor: Tensor<F>, type: TensorType, what: string): Tensor<F> {
  const fits = tensor.shape.join() === type.shape.join() && tensor.data.length === sizeOf(type.shape);
  if (!fits) throw new Error(`${what} should be [${type.shape.join(", ")}], but it is [${tensor.shape.join(", ")}]`);
  return tensor;
}
