/** The text form of a graph, stable and complete: what goldens hold and errors quote. */

import type { Attributes, Graph, OpValue, TensorType, Value, ValueId } from "./graph.ts";

export function showType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

export function showAttributes(attributes: Attributes): string {
  const entries = Object.entries(attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return entries.length === 0 ? "" : ` {${entries.join(", ")}}`;
}

/** Values are renumbered in order, so that the text does not depend on how a pass chose ids. */
export function printGraph(graph: Graph): string {
  const names = new Map<ValueId, string>();
  let next = 0;
  const nameOf = (id: ValueId): string => names.get(id) ?? `%?${id}`;
  const lines = graph.values.map((value) => {
    const name = value.kind === "weight" ? `@${value.path}` : value.kind === "input" ? `$${value.name}` : `%${next++}`;
    names.set(value.id, name);
    return `  ${name} = ${showValue(value, nameOf)} : ${showType(value.type)}${value.kind === "op" ? originOf(value) : ""}`;
  });
  const outputs = graph.outputs.map((output) => `  return ${output.name} = ${nameOf(output.value)}`);
  return [`graph ${graph.name} {`, ...lines, ...outputs, "}", ""].join("\n");
}

function showValue(value: Value, nameOf: (id: ValueId) => string): string {
  switch (value.kind) {
    case "input":
      return `input [${value.axes.join(", ")}]`;
    case "weight":
      return `weight ${value.init.kind}`;
    case "constant":
      return `constant ${value.data.length > 8 ? `${value.data.slice(0, 8).join(" ")} …` : value.data.join(" ")}`;
    case "op":
      return `${value.op}(${value.inputs.map(nameOf).join(", ")})${showAttributes(value.attributes)}`;
  }
}

function originOf(value: OpValue): string {
  return value.origin.path === "" ? "" : `  # ${value.origin.path}`;
}
