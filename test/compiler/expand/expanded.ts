// Sources in memory to their expanded graphs, and what tests read of a graph: weights by path, tensors of counting numbers, results.

import { interpret } from "../../../compiler/analysis/interpret.ts";
import { expandModel } from "../../../compiler/compile.ts";
import type { Choices } from "../../../compiler/expand/configure.ts";
import { type Graph, sizeOf } from "../../../compiler/graph/graph.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { opSignatures } from "../../../compiler/ops/table.ts";
import { check, type Diagnostic, type Program, renderAll } from "../../../dsl/index.ts";
import { checkText } from "../../dsl/sources.ts";
import { host } from "../../golden/cases.ts";

/** The real model, checked once a suite. */
export function magicVideo(): Program {
  return programOfFile("models/magicvideo.mv");
}

export function programOfFile(file: string): Program {
  const { program, diagnostics, texts } = check(file, host, opSignatures);
  if (program === undefined) throw new Error(renderAll(diagnostics, texts));
  return program;
}

export function programOf(text: string): Program {
  const { program, diagnostics, texts } = checkText(text);
  if (program === undefined) throw new Error(renderAll(diagnostics, texts));
  return program;
}

export function graphsOf(program: Program, choices: Partial<Choices> = {}): ReadonlyMap<string, Graph> {
  const expanded = expandModel(program, { precision: "f32", ...choices });
  if (expanded.ok) return expanded.value.graphs;
  throw new Error(expanded.diagnostics.map((diagnostic) => `${diagnostic.code}: ${diagnostic.message}`).join("\n"));
}

/** What is refused of a program that the check lets pass. */
export function refusals(text: string, choices: Partial<Choices> = {}): readonly Diagnostic[] {
  const expanded = expandModel(programOf(text), { precision: "f32", ...choices });
  return expanded.ok ? [] : expanded.diagnostics;
}

/** The graph `run` of a source's only model. */
export function graphOf(text: string, choices: Partial<Choices> = {}): Graph {
  return named(graphsOf(programOf(text), choices), "run");
}

export function named(graphs: ReadonlyMap<string, Graph>, name: string): Graph {
  const graph = graphs.get(name);
  if (graph === undefined) throw new Error(`there is no graph ${name} in ${[...graphs.keys()].join(", ")}`);
  return graph;
}

export function weightsOf(graph: Graph): { [path: string]: readonly number[] } {
  return Object.fromEntries(graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape]] : [])));
}

/** The ops of a graph in order, by name. */
export function opsOf(graph: Graph): string[] {
  return graph.values.flatMap((value) => (value.kind === "op" ? [value.op] : []));
}

export function shapeOfOutput(graph: Graph): readonly number[] {
  const id = graph.outputs[0]?.value;
  return graph.values.find((value) => value.id === id)?.type.shape ?? [];
}

/** 0, 1, 2 …: each element's value says where it came from. */
export function counting(...shape: number[]): Tensor {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => i) };
}

/** The only output of a graph on its inputs; every weight is of the given value. */
export function run(graph: Graph, inputs: { [name: string]: Tensor }, weight = 1): Tensor {
  const shapes = weightsOf(graph);
  const outputs = interpret(graph, new Map(Object.entries(inputs)), (path) => {
    const shape = shapes[path] ?? [];
    return { shape, data: new Float32Array(sizeOf(shape)).fill(weight) };
  });
  const [output] = outputs.values();
  if (output === undefined) throw new Error(`${graph.name} returns nothing`);
  return output;
}
