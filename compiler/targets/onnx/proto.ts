/** Plain descriptions of an ONNX model to its bytes: the one file that knows onnx-proto, protobufjs and their 64-bit integers. */

import type { onnx } from "onnx-proto";
import onnxProto from "onnx-proto";
import { type DType, sizeOf, type TensorType } from "../../graph/graph.ts";
import { irVersions, type Opset } from "./opsets.ts";

export type Node = onnx.INodeProto;
export type Initialiser = onnx.ITensorProto;
export type GraphValue = onnx.IValueInfoProto;
export type NodeAttributes = { readonly [name: string]: number | string | readonly number[] | { readonly float: number } };

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;

const dataTypes: { readonly [D in DType | "i64"]: number } = {
  f32: TensorProto.DataType.FLOAT,
  f16: TensorProto.DataType.FLOAT16,
  i32: TensorProto.DataType.INT32,
  i64: TensorProto.DataType.INT64,
};

export function onnxDataType(dtype: DType): number {
  return dataTypes[dtype];
}

/** Numbers are ints unless they are wrapped as `{ float }`: JavaScript cannot tell 1 from 1.0, and ONNX must. */
export function makeNode(
  opType: string,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: NodeAttributes,
  docString: string,
  domain = "",
): Node {
  const attribute = Object.entries(attributes).map(makeAttribute);
  const optional = { ...(docString === "" ? {} : { docString }), ...(domain === "" ? {} : { domain }) };
  return { opType, name, input: [...inputs], output: [...outputs], attribute, ...optional };
}

function makeAttribute([name, value]: [string, NodeAttributes[string]]): onnx.IAttributeProto {
  const types = AttributeProto.AttributeType;
  if (typeof value === "string") return { name, type: types.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === "number") return { name, type: types.INT, i: value };
  if ("float" in value) return { name, type: types.FLOAT, f: value.float };
  return { name, type: types.INTS, ints: [...value] };
}

/** A small tensor whose elements lie in the model file. */
export function makeInitialiser(name: string, dtype: DType | "i64", shape: readonly number[], data: readonly number[]): Initialiser {
  return { name, dims: [...shape], dataType: dataTypes[dtype], rawData: rawBytes(dtype, data) };
}

function rawBytes(dtype: DType | "i64", data: readonly number[]): Uint8Array {
  const width = dtype === "i64" ? 8 : dtype === "f16" ? 2 : 4;
  const bytes = new Uint8Array(data.length * width);
  const view = new DataView(bytes.buffer);
  for (const [i, element] of data.entries()) {
    if (dtype === "i64") view.setBigInt64(i * 8, BigInt(element), true);
    else if (dtype === "i32") view.setInt32(i * 4, element, true);
    else if (dtype === "f16") view.setUint16(i * 2, halfBits(element), true);
    else view.setFloat32(i * 4, element, true);
  }
  return bytes;
}

/** The bits of the half nearest to a number, ties to even; beyond 65504 infinity, as IEEE 754 rounds. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 halves are spaced evenly by 2^-24.
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.max(size, 2 ** -24))));
  const steps = roundTiesToEven(size / 2 ** (exponent - 10));
  return sign | (((exponent + 14) << 10) + steps);
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** A weight whose bytes lie in another file; `offset` counts from the first byte of that file. */
export function makeExternal(name: string, type: TensorType, at: { location: string; offset: number; length: number }): Initialiser {
  if (sizeOf(type.shape) === 0) throw new Error(`onnx: weight ${name} has no elements`);
  return {
    name,
    dims: [...type.shape],
    dataType: dataTypes[type.dtype],
    dataLocation: TensorProto.DataLocation.EXTERNAL,
    externalData: [
      { key: "location", value: at.location },
      { key: "offset", value: String(at.offset) },
      { key: "length", value: String(at.length) },
    ],
  };
}

/** An input or output of the graph. A size is a number or a name, never both: each is fixed, and its axis's name its denotation and in the value's text. */
export function makeValue(name: string, type: TensorType, axes: readonly string[]): GraphValue {
  const dim = type.shape.map((size, i) => ({ dimValue: size, denotation: axes[i] ?? "" }));
  return { name, type: tensorOf(type, dim), docString: `[${axes.join(", ")}]` };
}

/** A value within the graph. */
export function makeInner(name: string, type: TensorType): GraphValue {
  return {
    name,
    type: tensorOf(
      type,
      type.shape.map((dimValue) => ({ dimValue })),
    ),
  };
}

function tensorOf({ dtype }: TensorType, dim: readonly onnx.TensorShapeProto.IDimension[]): onnx.ITypeProto {
  return { tensorType: { elemType: dataTypes[dtype], shape: { dim: [...dim] } } };
}

export interface Model {
  readonly name: string;
  readonly doc: string;
  readonly opset: Opset;
  readonly producerVersion: string;
  readonly metadata: { readonly [key: string]: string };
  readonly nodes: readonly Node[];
  readonly initialisers: readonly Initialiser[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Types of values within the graph. */
  readonly inner: readonly GraphValue[];
}

export function encodeModel(model: Model): Uint8Array {
  const message = {
    // onnx-proto's own is 8; the fields that are written here are the same in all.
    irVersion: irVersions[model.opset],
    producerName: "mvc",
    producerVersion: model.producerVersion,
    docString: model.doc,
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    opsetImport: [{ domain: "", version: model.opset }, ...domainsOf(model.nodes).map((domain) => ({ domain, version: 1 }))],
    graph: {
      name: model.name,
      node: [...model.nodes],
      initializer: [...model.initialisers],
      input: [...model.inputs],
      output: [...model.outputs],
      valueInfo: [...model.inner],
    },
  };
  // protobufjs hands out a view into its pool, or Node's Buffer: copied so that callers own plain bytes.
  return Uint8Array.from(ModelProto.encode(message).finish());
}

/** Engines' own sets of operators, of which there is one version. */
function domainsOf(nodes: readonly Node[]): readonly string[] {
  return [...new Set(nodes.flatMap(({ domain }) => (domain ? [domain] : [])))];
}

/** The model of some bytes, for tests and reports. */
export function decodeModel(bytes: Uint8Array): onnx.ModelProto {
  return ModelProto.decode(bytes);
}
