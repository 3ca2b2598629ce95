/** A graph of primitive ops to the bytes of an ONNX model whose weights stay in the one weight file (law 7). */

import { type Graph, type OpValue, type OpValueOf, type TensorType, type ValueId, valuesById } from "../../graph/graph.ts";
import { isComposite, type PrimitiveName } from "../../ops/table.ts";
import { encodeModel, makeValue } from "./proto.ts";
import { type OnnxRule, onnxRules } from "./rules.ts";
import { OnnxWriter } from "./writer.ts";

/** Where each weight lies in the weight file, by path: bytes from its first byte, and their number. */
export type WeightPlacement = ReadonlyMap<string, { readonly offset: number; readonly length: number }>;

/** Beside the model: engines and checkers refuse locations that leave its folder. */
const weightFile = "weights.safetensors";

/** The lowest with Gelu, which ONNX Runtime runs in one pass; LayerNormalization came with 17. */
const opset = 20;

/**
 * Writes the model. Names of weights, inputs and outputs are the graph's own; nodes are named by the path that they come from.
 * Throws for composite ops, which lowering should have replaced, and for weights without a place.
 */
export function emitOnnx(graph: Graph, placement: WeightPlacement): Uint8Array {
  const writer = new OnnxWriter();
  const names = new Map<ValueId, string>();
  const byId = valuesById(graph);
  const nameOf = (id: ValueId): string => names.get(id) ?? `%${id}`;
  for (const output of graph.outputs) writer.reserve(output.name);
  for (const value of graph.values) {
    if (value.kind === "input") {
      writer.reserve(value.name);
      names.set(value.id, value.name);
    }
    if (value.kind === "weight") {
      writer.reserve(value.path);
      names.set(value.id, value.path);
      writer.weight(value.path, value.type, { location: weightFile, ...placeOf(value.path, placement) });
    }
  }
  for (const value of graph.values) {
    if (value.kind === "constant") names.set(value.id, writer.constant(value.type.dtype, value.type.shape, value.data));
    if (value.kind !== "op") continue;
    if (!isPrimitive(value))
      throw new Error(`emit onnx: ${value.op} at ${value.origin.path} is composite, which lowering should have replaced`);
    writer.at(value.origin.path);
    const types: TensorType[] = value.inputs.map((id) => byId(id).type);
    names.set(value.id, ruleOf(value.op)(writer, value.inputs.map(nameOf), value, types));
  }
  for (const output of graph.outputs) writer.output(output.name, nameOf(output.value));
  return encodeModel({
    name: graph.name,
    opset,
    nodes: writer.nodes,
    initialisers: writer.initialisers,
    inputs: graph.values.flatMap((value) => (value.kind === "input" ? [makeValue(value.name, value.type, value.axes)] : [])),
    outputs: graph.outputs.map((output) => makeValue(output.name, byId(output.value).type, output.axes)),
  });
}

function isPrimitive(value: OpValue): value is OpValueOf<PrimitiveName> {
  return !isComposite(value.op);
}

/** Every rule takes the value of its own op, as the table's type says. */
function ruleOf(op: PrimitiveName): OnnxRule<PrimitiveName> {
  return onnxRules[op] as OnnxRule<PrimitiveName>;
}

function placeOf(path: string, placement: WeightPlacement): { readonly offset: number; readonly length: number } {
  const place = placement.get(path);
  if (place === undefined) throw new Error(`emit onnx: weight ${path} has no place in the weight file`);
  return { offset: place.offset, length: place.length };
}
