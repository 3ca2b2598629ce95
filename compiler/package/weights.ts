/** The layout of `weights.safetensors`: its header, and where each weight of the graphs lies in the file. Pure; writing the bytes is the command line's. */

import { bytesOf, type Graph, sizeOf, type TensorType, type WeightInitialiser } from "../graph/graph.ts";

export interface PlacedWeight {
  readonly path: string;
  readonly type: TensorType;
  readonly init: WeightInitialiser;
  /** As the source names them, where it does. */
  readonly axes?: readonly string[] | undefined;
  /** Bytes from the first byte of the file, and their number. */
  readonly offset: number;
  readonly length: number;
}

export interface WeightLayout {
  readonly header: Uint8Array;
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  readonly bytes: number;
  readonly parameters: number;
}

/** Data starts at a multiple of this, so that 8-byte reads and GPU copies are aligned; the format pads its header with spaces. */
const dataAlignment = 64;

const safetensorsDType = { f32: "F32", f16: "F16", i32: "I32" } as const;

/** Lays out every weight that any graph reads, once, in the order in which the graphs read them. `about` goes into the file's metadata. */
export function layOutWeights(graphs: Iterable<Graph>, about: { readonly [key: string]: string } = {}): WeightLayout {
  const paths = new Map<string, Pick<PlacedWeight, "type" | "init" | "axes">>();
  for (const graph of graphs) {
    for (const value of graph.values) {
      if (value.kind !== "weight") continue;
      const known = paths.get(value.path);
      if (known === undefined) paths.set(value.path, { type: value.type, init: value.init, axes: value.axes });
      else if (known.type.shape.join() !== value.type.shape.join()) throw new Error(`weights: ${value.path} has two shapes`);
    }
  }
  const entries: { [path: string]: unknown } = { __metadata__: { format: "mvc", ...about } };
  let end = 0;
  for (const [path, { type }] of paths) {
    const begin = end;
    end += bytesOf(type);
    entries[path] = { dtype: safetensorsDType[type.dtype], shape: type.shape, data_offsets: [begin, end] };
  }
  const header = safetensorsHeader(JSON.stringify(entries));
  const weights = new Map<string, PlacedWeight>();
  let offset = header.byteLength;
  for (const [path, { type, init, axes }] of paths) {
    const length = bytesOf(type);
    weights.set(path, { path, type, init, axes, offset, length });
    offset += length;
  }
  const parameters = [...weights.values()].reduce((sum, weight) => sum + sizeOf(weight.type.shape), 0);
  return { header, weights, bytes: offset, parameters };
}

/** Eight bytes of length, little-endian, then the JSON padded with spaces. */
function safetensorsHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil((text.byteLength + 8) / dataAlignment) * dataAlignment;
  const header = new Uint8Array(padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded - 8), true);
  header.set(text, 8);
  return header;
}
