/** The form of a gradient rule: an op and the gradient of its result to the gradients of its inputs, as ops of the table. */

import type { TensorType, ValueId } from "../graph/graph.ts";
import type { OpAttributes, OpName } from "../graph/op-names.ts";
import type { Lowering } from "../ops/op.ts";

/** An op of the graph, whose values the backward pass may read again, and what is known of the loss at its result. */
export interface Differentiated<O extends OpName> {
  /** Weights included. */
  readonly inputs: readonly ValueId[];
  /** The op's own result. */
  readonly result: ValueId;
  readonly type: TensorType;
  readonly attributes: OpAttributes[O];
  /** ∂loss/∂result, of the result's type. */
  readonly gradient: ValueId;
  /** Whether anything trained lies behind an input: what is not wanted need not be made. */
  readonly wanted: readonly boolean[];
}

/** ∂loss/∂input for each input, of that input's type; undefined where it is not wanted, or where no small change of the input (ids, positions of whole numbers) changes the result. */
export type GradientRule<O extends OpName> = (make: Lowering, op: Differentiated<O>) => readonly (ValueId | undefined)[];
