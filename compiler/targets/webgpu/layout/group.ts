/** What one kernel computes of a graph: an op that sums, and the element ops that its result goes through before it reaches memory. */

import type { OpValue, OpValueOf, Value } from "../../../graph/graph.ts";
import type { OpName } from "../../../graph/op-names.ts";

export interface Group {
  /** The op with a kernel of its own; without one the group is element ops and index maps only. */
  readonly core?: OpValue;
  /** Linear ops that read the same rows, computed side by side into one buffer; the core is the first of them. */
  readonly siblings: readonly OpValue[];
  /** The value that reaches memory. Of a group norm's statistics it is the norm, which reads them. */
  readonly tail: OpValue;
  readonly kind: "statistics" | "kernel";
  /** The linear's two halves meet in the kernel: a · gelu(b). */
  readonly gated: boolean;
}

/** The core of a group that a kernel for these ops was chosen for. */
export function coreOf<O extends OpName>({ core, tail }: Group, ...ops: readonly O[]): OpValueOf<O> {
  if (core !== undefined && ops.some((op) => op === core.op)) return core as OpValueOf<O>;
  throw new Error(`webgpu: the group of ${tail.op} at ${tail.origin.path} is no ${ops.join(" or ")}`);
}

/** A concatenation whose inputs are computed where they are to lie. */
export function isInPlace(value: Value): value is OpValueOf<"concat"> {
  return value.kind === "op" && value.op === "concat" && value.attributes.inPlace === true;
}
