/** A module to a TypeScript module that types its package: the tensors of every graph, as an application feeds and reads them. */

import type { DType, Graph, TensorType } from "../../graph/graph.ts";
import type { Module } from "../../module/module.ts";

const arrayOf: { readonly [D in DType]: string } = { f32: "Float32Array", f16: "Uint16Array", i32: "Int32Array" };

export function emitBindings(module: Module): string {
  const interfaces = [...module.graphs].flatMap(([name, graph]) =>
    (["Inputs", "Outputs"] as const).map((side) => interfaceText(`${typeName(name)}${side}`, tensorsOf(graph, side).flatMap(memberLines))),
  );
  const graphs = [...module.graphs.keys()].map((name) => {
    const key = name.includes(".") ? JSON.stringify(name) : name;
    return `  readonly ${key}: { readonly inputs: ${typeName(name)}Inputs; readonly outputs: ${typeName(name)}Outputs };`;
  });
  return [
    `// The graphs of ${module.name} as types. Made by mvc; build again instead of editing.\n${tensorType}`,
    ...interfaces,
    `/** Every graph of the package by name. */\n${interfaceText("Graphs", graphs)}`,
  ].join("\n");
}

const tensorType = `/** A tensor of fixed shape, row-major; f16 is held as its bits. */
${interfaceText("Tensor<DType extends string, Shape extends readonly number[], Data>", [
  "  readonly dtype: DType;",
  "  readonly shape: Shape;",
  "  readonly data: Data;",
])}`;

function interfaceText(head: string, lines: readonly string[]): string {
  return [`export interface ${head} {`, ...lines, "}", ""].join("\n");
}

interface NamedTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly axes: readonly string[];
}

function memberLines({ name, type, axes }: NamedTensor): readonly string[] {
  return [`  /** [${axes.join(", ")}] */`, `  readonly ${JSON.stringify(name)}: ${typeText(type)};`];
}

function tensorsOf(graph: Graph, side: "Inputs" | "Outputs"): readonly NamedTensor[] {
  if (side === "Inputs") return graph.values.filter((value) => value.kind === "input");
  const types = new Map(graph.values.map((value) => [value.id, value.type]));
  return graph.outputs.map((output) => {
    const type = types.get(output.value);
    if (type === undefined) throw new Error(`bindings: output ${output.name} of ${graph.name} has no type`);
    return { name: output.name, type, axes: output.axes };
  });
}

function typeText(type: TensorType): string {
  return `Tensor<"${type.dtype}", readonly [${type.shape.join(", ")}], ${arrayOf[type.dtype]}>`;
}

/** Graphs that the compiler named beside one of the source's have a dot, which no type has; no name of the source has a dollar. */
function typeName(graph: string): string {
  return graph.charAt(0).toUpperCase() + graph.slice(1).replaceAll(".", "$");
}
