// Values with named axes, and what the shape rules of ops make of them.

import { type Axis, namedAxis, showAxes } from "../../../compiler/graph/axis.ts";
import type { Attributes, DType } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { type AxisType, isProblem } from "../../../compiler/ops/op.ts";
import { opEntry } from "../../../compiler/ops/table.ts";

export const axis = (name: string, size: number): Axis => namedAxis(name, size);
export const [B, F, H, W] = [axis("B", 2), axis("F", 16), axis("H", 8), axis("W", 6)];
export const channels = (size: number): Axis => axis("C", size);
export const value = (axes: readonly Axis[], dtype: DType = "f32"): AxisType => ({ dtype, axes });

export function infer(op: OpName, inputs: readonly AxisType[], given: Attributes = {}) {
  const entry = opEntry(op);
  const defaults = entry.signature.attributes.flatMap(({ name, default: fallback }) =>
    fallback === undefined ? [] : [[name, fallback] as const],
  );
  return entry.infer(inputs, { ...Object.fromEntries(defaults), ...given });
}

export function refusal(op: OpName, inputs: readonly AxisType[], attributes: Attributes = {}): string {
  const result = infer(op, inputs, attributes);
  if (!isProblem(result)) return `accepted ${showAxes(result.axes)}`;
  const at = result.at === "call" ? "call" : Object.values(result.at).join();
  return `${result.code} at ${at}: ${result.message}${result.hint === undefined ? "" : ` | hint: ${result.hint}`}`;
}

export function axes(op: OpName, inputs: readonly AxisType[], attributes: Attributes = {}): string {
  const result = infer(op, inputs, attributes);
  return isProblem(result) ? result.message : showAxes(result.axes);
}
