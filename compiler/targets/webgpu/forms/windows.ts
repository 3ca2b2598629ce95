/** Which ops have windows, and where the channels of any kernel's result stand. */

import type { OpValue, Value, ValueId } from "../../../graph/graph.ts";
import type { OpName } from "../../../graph/op-names.ts";
import { type PoolName, type WindowedName, windowAxes } from "../../../ops/windows.ts";

export const windowedNames = Object.keys(windowAxes) as readonly WindowedName[];

export function isWindowed(op: OpName): op is WindowedName {
  return Object.hasOwn(windowAxes, op);
}

/** The ops that multiply with a weight that is packed. */
export const matrixOps = ["linear", ...windowedNames.filter((op) => !isPool(op))] as readonly (
  | "linear"
  | Exclude<WindowedName, PoolName>
)[];

export function hasMatrix(op: OpName): boolean {
  return matrixOps.some((one) => one === op);
}

/** The weight that an op multiplies with, which lies in a buffer of its own; a product of two values has one where its second is no more than a weight. */
export function matrixOf({ op, inputs }: OpValue, value: (id: ValueId) => Value): ValueId | undefined {
  const [, second] = inputs;
  const isOne = second !== undefined && (hasMatrix(op) || (op === "matmul" && value(second).kind === "weight"));
  return isOne ? second : undefined;
}

export function isPool(op: WindowedName): op is PoolName {
  return op.startsWith("averagePool");
}

/** The axis of a kernel's channels, counted from the end: 1 is the last. */
export function channelsFromEnd(op: OpName): number {
  if (isWindowed(op)) return windowAxes[op] + 1;
  return op === "groupNorm" ? 3 : 1;
}
