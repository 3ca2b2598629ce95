// Two graphs to whether they compute the same numbers, and a graph that fails to the smallest part of it that still does.

import { interpret } from "../../../compiler/analysis/interpret.ts";
import { type Graph, sizeOf, type TensorType, type ValueId } from "../../../compiler/graph/graph.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { floatsToHalves, halvesToFloats } from "../../../runtime/half.ts";
import { randomNumbers } from "../ops/one-op.ts";

export type Outputs = ReadonlyMap<string, Tensor>;

/** Numbers by the name of an input or the path of a weight, so that every graph that has it gets the same; tokens are 0 to 2. */
function numbersFor(name: string, { shape, dtype }: TensorType): Tensor {
  const random = randomNumbers([...name].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 7));
  const numbers = Array.from({ length: sizeOf(shape) }, () => random());
  if (dtype === "i32") return { shape, data: Int32Array.from(numbers, (x) => Math.floor(Math.abs(x) * 3)) };
  const data = Float32Array.from(numbers);
  return { shape, data: dtype === "f16" ? halvesToFloats(floatsToHalves(data)) : data };
}

export interface Given {
  readonly inputs: Outputs;
  readonly weights: Outputs;
}

export function numbersOf(graph: Graph): Given {
  const inputs = new Map<string, Tensor>();
  const weights = new Map<string, Tensor>();
  for (const value of graph.values) {
    if (value.kind === "input") inputs.set(value.name, numbersFor(value.name, value.type));
    if (value.kind === "weight") weights.set(value.path, numbersFor(value.path, value.type));
  }
  return { inputs, weights };
}

export function outputsOf(graph: Graph, { inputs, weights }: Given): Outputs {
  return interpret(graph, inputs, (path) => {
    const weight = weights.get(path);
    if (weight === undefined) throw new Error(`the graph before has no weight ${path}`);
    return weight;
  });
}

/**
 * What differs, if anything does: names, shapes, or a number by more than `within` of the largest of its tensor, or of 1,
 * as numbers that are given are. With 0 they are equal bit for bit, but for the sign of a 0.
 */
export function differenceOf(found: Outputs, expected: Outputs, within: number): string | undefined {
  if ([...found.keys()].join() !== [...expected.keys()].join()) return `outputs ${[...found.keys()]}, not ${[...expected.keys()]}`;
  for (const [name, { shape, data }] of expected) {
    const now = found.get(name);
    if (now?.shape.join() !== shape.join()) return `${name} is [${now?.shape}], not [${shape}]`;
    const largest = Array.from(data, Math.abs).reduce((most, size) => Math.max(most, size), 1);
    for (const [i, number] of data.entries()) {
      if (!Number.isFinite(number)) return `${name}[${i}] is ${number} to begin with`;
      const off = Math.abs((now.data[i] ?? Number.NaN) - number);
      if (!(off <= within * largest)) return `${name}[${i}] is ${now.data[i]}, not ${number}`;
    }
  }
  return undefined;
}

/** Keeps the failure while outputs and values that nothing reads are dropped, and results are taken for inputs, one at a time. */
export function shrunk(graph: Graph, fails: (graph: Graph) => boolean): Graph {
  let smallest = graph;
  const attempt = (smaller: Graph): boolean => {
    const failing = fails(smaller);
    if (failing) smallest = smaller;
    return failing;
  };
  for (const { name } of graph.outputs) {
    const outputs = smallest.outputs.filter((output) => output.name !== name);
    if (outputs.length > 0) attempt({ ...smallest, outputs });
  }
  for (const { id } of [...graph.values].reverse()) {
    const dropped = isRead(smallest, id) ? false : attempt({ ...smallest, values: smallest.values.filter((value) => value.id !== id) });
    if (!dropped) attempt(cutAt(smallest, id));
  }
  return smallest;
}

function isRead(graph: Graph, id: ValueId): boolean {
  return graph.outputs.some(({ value }) => value === id) || graph.values.some((value) => value.kind === "op" && value.inputs.includes(id));
}

function cutAt(graph: Graph, id: ValueId): Graph {
  const values = graph.values.map((value) =>
    value.id === id && value.kind === "op"
      ? ({ kind: "input", id, type: value.type, name: `cut${id}`, axes: value.type.shape.map(String) } as const)
      : value,
  );
  return { ...graph, values };
}

/** Without what no output needs. Not by the pass that removes dead code, which is under test. */
export function needed(graph: Graph): Graph {
  const live = new Set(graph.outputs.map(({ value }) => value));
  for (const value of [...graph.values].reverse())
    if (value.kind === "op" && live.has(value.id)) for (const id of value.inputs) live.add(id);
  return { ...graph, values: graph.values.filter(({ id }) => live.has(id)) };
}
