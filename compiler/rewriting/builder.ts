/** Collects values into a graph, inferring each op's type from the table; expansion, lowering and rewriting all build with it. */

import { plainAxis } from "../graph/axis.ts";
import type { Attributes, Graph, OpValue, Origin, TensorType, Value, ValueId, WeightInitialiser } from "../graph/graph.ts";
import type { OpAttributes, OpName } from "../graph/op-names.ts";
import type { AxisType, Lowering } from "../ops/op.ts";
import { isProblem } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";

/** A type without names, as shape rules take it once the source is out of sight. */
export function plainType(type: TensorType): AxisType {
  return { dtype: type.dtype, axes: type.shape.map(plainAxis) };
}

export function tensorType(type: AxisType): TensorType {
  return { dtype: type.dtype, shape: type.axes.map((axis) => axis.size) };
}

/** The type of an op's result in a graph; a refusal here is a bug of the stage that made the op. */
export function inferType(op: OpName, inputs: readonly TensorType[], attributes: Attributes): TensorType {
  const entry = opEntry(op);
  const data = entry.signature.inputs.some((input) => input.list) ? inputs : inputs.slice(0, entry.signature.inputs.length);
  const result = entry.infer(data.map(plainType), attributes);
  if (isProblem(result)) throw new Error(`op ${op}: ${result.message}`);
  return tensorType(result);
}

export class GraphBuilder {
  private readonly values: Value[] = [];
  private readonly made = new Map<ValueId, Value>();
  private nextId: ValueId;

  /** `firstId` lets a rewrite keep the ids of the graph that it rewrites clear of its own. */
  constructor(firstId: ValueId = 0) {
    this.nextId = firstId;
  }

  /** Adds a value of another graph as it is. */
  keep(value: Value): ValueId {
    this.values.push(value);
    this.made.set(value.id, value);
    this.nextId = Math.max(this.nextId, value.id + 1);
    return value.id;
  }

  input(name: string, type: TensorType, axes: readonly string[]): ValueId {
    return this.keep({ kind: "input", id: this.nextId, type, name, axes });
  }

  weight(path: string, type: TensorType, init: WeightInitialiser, axes?: readonly string[]): ValueId {
    return this.keep({ kind: "weight", id: this.nextId, type, path, init, ...(axes && { axes }) });
  }

  constant(type: TensorType, data: readonly number[]): ValueId {
    return this.keep({ kind: "constant", id: this.nextId, type, data });
  }

  /** `type` where the caller has inferred it already; `inputs` end with the op's weights. */
  op<O extends OpName>(op: O, inputs: readonly ValueId[], attributes: OpAttributes[O], origin: Origin, type?: TensorType): ValueId {
    const inferred =
      type ??
      inferType(
        op,
        inputs.map((id) => this.typeOf(id)),
        attributes,
      );
    // The two that belong together are one argument's type and the other's; what is made of both, the checker cannot follow.
    return this.keep({ kind: "op", id: this.nextId, type: inferred, op, inputs, attributes, origin } as OpValue);
  }

  valueOf(id: ValueId): Value {
    const value = this.made.get(id);
    if (value === undefined) throw new Error(`graph builder: value %${id} is read before it is made`);
    return value;
  }

  typeOf(id: ValueId): TensorType {
    return this.valueOf(id).type;
  }

  /** The makers that a composite op's `lower` uses, each value marked with the origin of what is lowered. */
  lowering(origin: Origin): Lowering {
    return {
      op: (op, inputs, attributes) => this.op(op, inputs, attributes, origin),
      constant: (type, data) => this.constant(type, data),
      typeOf: (id) => this.typeOf(id),
    };
  }

  finish(name: string, outputs: Graph["outputs"]): Graph {
    return { name, values: this.values, outputs };
  }
}
