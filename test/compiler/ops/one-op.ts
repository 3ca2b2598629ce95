/** One op with random inputs to its result by the reference and by ONNX Runtime: what the numeric tests of the table stand on. */

import { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import { type Attributes, type Graph, sizeOf, type TensorType } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { opEntry } from "../../../compiler/ops/table.ts";
import { layOutWeights } from "../../../compiler/package/weights.ts";
import { lowerComposites } from "../../../compiler/passes/lower.ts";
import { GraphBuilder, plainType } from "../../../compiler/rewriting/builder.ts";
import { emitOnnx, type OnnxOptions } from "../../../compiler/targets/onnx/emit.ts";
import { floatsToHalves, halvesToFloats } from "../../../runtime/half.ts";

const nowhere = { path: "op", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };

/** A graph of one op on inputs `x0`, `x1`, …, with the weights that the op owns below `op.`; attributes without a value take their default. */
export function graphOf(op: OpName, inputs: readonly TensorType[], given: Attributes = {}): Graph {
  const entry = opEntry(op);
  const builder = new GraphBuilder();
  const defaults = entry.signature.attributes.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value] as const]));
  const dtype = inputs.find((input) => input.dtype !== "i32")?.dtype ?? "f32";
  const attributes = { ...(entry.takesPrecision ? { dtype } : {}), ...Object.fromEntries(defaults), ...given };
  const owned = entry.weights?.(inputs.map(plainType), attributes) ?? [];
  const ids = inputs.map((type, i) => builder.input(`x${i}`, type, type.shape.map(String)));
  const weights = owned.map(({ name, shape, init }) => builder.weight(`op.${name}`, { dtype, shape }, init));
  const value = builder.op(op, [...ids, ...weights], attributes, nowhere);
  return builder.finish("test", [{ name: "y", value, axes: builder.typeOf(value).shape.map(String) }]);
}

/** Numbers in -1..1 that are the same on every machine (a linear congruential generator). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  };
}

function randomTensor(type: TensorType, random: () => number, scale: number): Tensor {
  const numbers = Array.from({ length: sizeOf(type.shape) }, () => random() * scale);
  if (type.dtype === "i32") return { shape: type.shape, data: Int32Array.from(numbers, (x) => Math.floor(Math.abs(x) * 3)) };
  const data = Float32Array.from(numbers);
  // Both sides start from the same numbers: those that halves can hold.
  return { shape: type.shape, data: type.dtype === "f16" ? halvesToFloats(floatsToHalves(data)) : data };
}

export interface Run {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Inputs and weights for a graph; `scale` is the largest size of an input's element. */
export function randomRun(graph: Graph, seed: number, scale = 1): Run {
  const random = randomNumbers(seed);
  const inputs = new Map<string, Tensor>();
  const weights = new Map<string, Tensor>();
  for (const value of graph.values) {
    if (value.kind === "input") inputs.set(value.name, randomTensor(value.type, random, scale));
    if (value.kind === "weight") weights.set(value.path, randomTensor(value.type, random, 1));
  }
  return { inputs, weights };
}

export function byReference(graph: Graph, run: Run): Tensor {
  return only(interpret(graph, run.inputs, (path) => weightOf(run, path)));
}

function weightOf(run: Run, path: string): Tensor {
  const weight = run.weights.get(path);
  if (weight === undefined) throw new Error(`test: no weight ${path}`);
  return weight;
}

function only(outputs: ReadonlyMap<string, Tensor>): Tensor {
  const output = outputs.get("y");
  if (output === undefined) throw new Error("test: no output y");
  return output;
}

/** The lowered graph on ONNX Runtime. */
export async function byOnnx(graph: Graph, run: Run, options: OnnxOptions = {}): Promise<Tensor> {
  return only(await outputsByOnnx(lowerComposites(graph), run, options));
}

/** A graph of primitive ops on ONNX Runtime, its weights in a weight file as a package has it. */
export async function outputsByOnnx(graph: Graph, run: Run, options: OnnxOptions = {}): Promise<ReadonlyMap<string, Tensor>> {
  const layout = layOutWeights([graph]);
  const file = new Uint8Array(layout.bytes);
  file.set(layout.header);
  for (const [path, place] of layout.weights) file.set(bytesOf(weightOf(run, path), place.type), place.offset);
  const externalData = layout.weights.size > 0 ? [{ path: "weights.safetensors", data: file }] : [];
  const session = await InferenceSession.create(emitOnnx(graph, layout.weights, options), { externalData, logSeverityLevel: 3, intraOpNumThreads: 1 });
  const types = new Map(graph.values.flatMap((value) => (value.kind === "input" ? [[value.name, value.type] as const] : [])));
  const feeds = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toOnnx(tensor, types.get(name))]));
  const outputs = await session.run(feeds);
  await session.release();
  return new Map(graph.outputs.map(({ name }) => [name, tensorOf(name, outputs[name])]));
}

function tensorOf(name: string, found: OnnxTensor | undefined): Tensor {
  if (found === undefined) throw new Error(`test: ONNX Runtime gave no output ${name}`);
  return { shape: found.dims, data: fromOnnx(found) };
}

function bytesOf(tensor: Tensor, type: TensorType): Uint8Array {
  const array = type.dtype === "f16" && tensor.data instanceof Float32Array ? floatsToHalves(tensor.data) : tensor.data;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function toOnnx(tensor: Tensor, type: TensorType | undefined): OnnxTensor {
  const { data, shape } = tensor;
  if (data instanceof Int32Array) return new OnnxTensor("int32", data, shape);
  return type?.dtype === "f16" ? new OnnxTensor("float16", floatsToHalves(data), shape) : new OnnxTensor("float32", data, shape);
}

function fromOnnx(tensor: OnnxTensor): Float32Array | Int32Array {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  if (tensor.type !== "float16" || !ArrayBuffer.isView(data)) throw new Error(`test: ONNX Runtime gave ${tensor.type}`);
  return halvesToFloats(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2));
}

/** The largest difference over the largest element of what is expected. */
export function relativeError(found: Tensor, expected: Tensor): number {
  if (found.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [found.data[i] ?? Number.NaN, expected.data[i] ?? Number.NaN];
    // Not Math.max of the difference alone: a NaN on either side must not pass.
    if (!(Math.abs(a - b) <= difference)) difference = Math.abs(a - b);
    largest = Math.max(largest, Math.abs(b));
  }
  return difference === 0 ? 0 : difference / largest;
}
