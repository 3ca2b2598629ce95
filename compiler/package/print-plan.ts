/** The text form of a plan: its buffers, then its dispatches in order with what each reads and writes. */

import type { Binding, Dispatch, Plan } from "./plan.ts";

export function printPlan(plan: Plan): string {
  const lines = [
    `plan ${plan.graph}`,
    ...plan.inputs.map(({ name, bytes }, i) => `  input ${i}: ${name}, ${bytes} bytes`),
    ...plan.outputs.map(({ name, bytes }, i) => `  output ${i}: ${name}, ${bytes} bytes`),
    ...plan.slots.map((bytes, i) => `  slot ${i}: ${bytes} bytes`),
    ...plan.weights.map(({ label, bytes, parts }, i) => `  weight ${i}: ${label}, ${bytes} bytes of ${parts.length} parts`),
    ...Object.entries(plan.needs).map(([limit, needed]) => `  needs ${limit} ${needed}`),
    ...plan.dispatches.flatMap(dispatchLines),
  ];
  return `${lines.join("\n")}\n`;
}

function dispatchLines(dispatch: Dispatch, index: number): readonly string[] {
  const { label, kernel, grid, bindings, writes, variants = [] } = dispatch;
  const result = bindings[writes];
  const reads = bindings.filter((_, i) => i !== writes).map(showBinding);
  return [
    `  ${index}: ${label}`,
    `    ${kernel} on ${grid.join("x")} workgroups`,
    ...variants.map(
      ({ kernel: other, grid: others, feature }) =>
        `    or ${other} on ${others.join("x")}${feature === undefined ? "" : `, with ${feature}`}`,
    ),
    `    ${result === undefined ? "" : showBinding(result)} = ${reads.join(", ")}`,
  ];
}

function showBinding(binding: Binding): string {
  const { kind, index } = binding;
  return "offset" in binding ? `${kind} ${index}[${binding.offset}..${binding.offset + binding.size}]` : `${kind} ${index}`;
}
