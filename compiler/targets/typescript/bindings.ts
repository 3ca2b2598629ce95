/** A module to a TypeScript module that types its package: the tensors of every graph, as an application feeds and reads them. */

import type { DType, Graph, TensorType } from "../../graph/graph.ts";
import type { Module } from "../../module/module.ts";

const arrayOf: { readonly [D in DType]: string } = { f32: "Float32Array", f16: "Uint16Array", i32: "Int32Array" };

/** Loads ts-morph only here: importing it takes half a second, and a page that never asks for bindings need not have it. */
export async function emitBindings(module: Module): Promise<string> {
  const { IndentationText, Project, QuoteKind, StructureKind } = await import("ts-morph");
  const project = new Project({
    useInMemoryFileSystem: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Double },
  });
  const exported = { kind: StructureKind.Interface, isExported: true } as const;
  const tensor = {
    ...exported,
    name: "Tensor",
    docs: ["A tensor of fixed shape, row-major; f16 is held as its bits."],
    typeParameters: ["DType extends string", "Shape extends readonly number[]", "Data"],
    properties: [
      { name: "dtype", type: "DType", isReadonly: true },
      { name: "shape", type: "Shape", isReadonly: true },
      { name: "data", type: "Data", isReadonly: true },
    ],
  };
  const sides = [...module.graphs].flatMap(([name, graph]) =>
    (["Inputs", "Outputs"] as const).map((side) => ({
      ...exported,
      name: `${typeName(name)}${side}`,
      properties: tensorsOf(graph, side).map((tensor) => ({
        name: JSON.stringify(tensor.name),
        type: typeText(tensor.type),
        isReadonly: true,
        docs: [`[${tensor.axes.join(", ")}]`],
      })),
    })),
  );
  const graphs = {
    ...exported,
    name: "Graphs",
    docs: ["Every graph of the package by name."],
    properties: [...module.graphs.keys()].map((name) => ({
      name: name.includes(".") ? JSON.stringify(name) : name,
      type: `{ readonly inputs: ${typeName(name)}Inputs; readonly outputs: ${typeName(name)}Outputs }`,
      isReadonly: true,
    })),
  };
  const heading = `// The graphs of ${module.name} as types. Made by mvc; build again instead of editing.`;
  // All at once: what is added to a file has it parsed anew.
  return `${heading}\n${project.createSourceFile("bindings.ts", { statements: [tensor, ...sides, graphs] }).getFullText()}`;
}

function tensorsOf(graph: Graph, side: "Inputs" | "Outputs") {
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
