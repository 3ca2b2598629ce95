/** A graph of primitive ops to the bytes of an ONNX model whose weights stay in the one weight file (law 7). */

import type { Span } from "../../../dsl/index.ts";
import { type Graph, type OpValue, type OpValueOf, type TensorType, type ValueId, valuesById } from "../../graph/graph.ts";
import { isComposite, type PrimitiveName } from "../../ops/table.ts";
import type { About } from "./metadata.ts";
import { defaultOpset, type Opset } from "./opsets.ts";
import { encodeModel, type GraphValue, makeInner, makeValue, type Node } from "./proto.ts";
import { type OnnxRule, onnxRules } from "./rules.ts";
import { type Block, OnnxWriter } from "./writer.ts";

export type { Block } from "./writer.ts";

/** Where each weight lies in the weight file, by path: bytes from its first byte, and their number. */
export type WeightPlacement = ReadonlyMap<string, { readonly offset: number; readonly length: number }>;

export interface OnnxOptions {
  readonly opset?: Opset;
  /** Convolutions are written for ONNX Runtime's blocked kernels, which no other engine has, nor one on another processor: for a session on this machine, never for a package. */
  readonly block?: Block;
  /** Weights become inputs of the model, by their paths, behind the graph's own: for training, which changes them from run to run. No weight has a place then. */
  readonly weightsAsInputs?: boolean;
  /** Beside the model, as engines and checkers refuse locations that leave its folder; `weights.safetensors` when not given. */
  readonly weightFile?: string;
  readonly producerVersion?: string;
  readonly about?: About;
  /** Where in the source a span is, for people; the file's offset when not given. */
  readonly shown?: (span: Span) => string;
}

/**
 * Writes the model. Names of weights, inputs and outputs are the graph's own; nodes are named by the path that they come from, and
 * say where in the source they stand. Throws for composite ops, which lowering should have replaced, and for weights without a place.
 */
export function emitOnnx(graph: Graph, placement: WeightPlacement, options: OnnxOptions = {}): Uint8Array {
  const { opset = defaultOpset, weightFile = "weights.safetensors", producerVersion = "", about, shown = offsetOf } = options;
  const { weightsAsInputs = false, block } = options;
  const writer = new OnnxWriter(opset, block);
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
      if (!weightsAsInputs) writer.weight(value.path, value.type, { location: weightFile, ...placeOf(value.path, placement) });
    }
  }
  for (const value of graph.values) {
    if (value.kind === "constant") names.set(value.id, writer.constant(value.type.dtype, value.type.shape, value.data));
    if (value.kind !== "op") continue;
    if (!isPrimitive(value))
      throw new Error(`emit onnx: ${value.op} at ${value.origin.path} is composite, which lowering should have replaced`);
    const { path, span } = value.origin;
    writer.at(path, path === "" ? shown(span) : `${path} at ${shown(span)}`);
    const types: TensorType[] = value.inputs.map((id) => byId(id).type);
    names.set(value.id, ruleOf(value.op)(writer, value.inputs.map(nameOf), value, types));
  }
  for (const { name, value } of graph.outputs) {
    if (weightsAsInputs) writer.orderedOutput(name, nameOf(value));
    else writer.output(name, nameOf(value));
  }
  return encodeModel({
    name: graph.name,
    doc: about?.doc ?? "",
    opset,
    producerVersion,
    metadata: about?.metadata ?? {},
    nodes: writer.nodes,
    initialisers: writer.initialisers,
    inputs: [
      ...graph.values.flatMap((value) => (value.kind === "input" ? [makeValue(value.name, value.type, value.axes)] : [])),
      ...graph.values.flatMap((value) => (weightsAsInputs && value.kind === "weight" ? [makeValue(value.path, value.type, [])] : [])),
    ],
    outputs: graph.outputs.map((output) => makeValue(output.name, byId(output.value).type, output.axes)),
    inner: innerValues(graph, nameOf, writer.nodes),
  });
}

const offsetOf = ({ file, start }: Span): string => `${file}, character ${start}`;

/** The types of ops' results, which are those of nodes; an op that moves nothing has its input's name, which may be no node's. */
function innerValues(graph: Graph, nameOf: (id: ValueId) => string, nodes: readonly Node[]): readonly GraphValue[] {
  const types = new Map(graph.values.flatMap(({ kind, id, type }) => (kind === "op" ? [[nameOf(id), type] as const] : [])));
  const made = nodes.flatMap(({ output }) => output ?? []);
  return made.flatMap((name) => {
    const type = types.get(name);
    return type === undefined ? [] : [makeInner(name, type)];
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
