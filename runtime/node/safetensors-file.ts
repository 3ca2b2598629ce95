/** Tensors to and from a safetensors file on the disk. */

import { closeSync } from "node:fs";
import { mvcError, reasonOf } from "../errors.ts";
import {
  DTYPE_BYTES,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type StoredDType,
  safetensorsHeaderBytes,
  storedToTensor,
} from "../safetensors.ts";
import { elements, type TensorData, type Tensors } from "../tensor.ts";
import { type Chunk, type Chunks, lengthOf, writeAtomically } from "./atomic-file.ts";
import { readRange } from "./package-folder.ts";
import { openRegular } from "./regular-file.ts";

/** A tensor to be written; its bytes are asked for when their turn comes, so that a large one may be made on the way. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly chunks: () => Chunks;
}

/** Data begins at a multiple of this, so that readers may map it. */
const ALIGNMENT = 64;

/** The head of a file that holds these tensors one after the other: the same input gives the same bytes. */
export function safetensorsHeader(
  tensors: readonly Pick<TensorSource, "name" | "dtype" | "shape">[],
  metadata: { readonly [key: string]: string } = {},
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape }) => {
    const start = end;
    end += elements(shape) * DTYPE_BYTES[dtype];
    return [name, { dtype, shape, data_offsets: [start, end] }] as const;
  });
  const about = Object.keys(metadata).length > 0 ? [["__metadata__", metadata] as const] : [];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...about, ...entries])));
  const bytes = new Uint8Array(Math.ceil((8 + json.length) / ALIGNMENT) * ALIGNMENT).fill(0x20);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(bytes.length - 8), true);
  bytes.set(json, 8);
  return bytes;
}

/**
 * Writes a file whole or not at all.
 * @param tensors by name, as `readSafetensors` gives them, or sources in the order in which they are to lie.
 * @throws MvcError as `writeAtomically`; a source that gives another number of bytes than its shape says is a bug.
 */
export async function writeSafetensors(
  path: string,
  tensors: Tensors | readonly TensorSource[],
  options: { readonly metadata?: { readonly [key: string]: string }; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const sources = isSources(tensors) ? tensors : Object.entries(tensors).map(([name, tensor]) => tensorSource(name, tensor));
  await writeAtomically(path, safetensorsChunks(sources, options.metadata), options.signal);
}

/** The bytes of a whole file. A source that gives another number of bytes than its shape says is a bug. */
export async function* safetensorsChunks(
  sources: readonly TensorSource[],
  metadata: { readonly [key: string]: string } = {},
): AsyncGenerator<Chunk> {
  yield safetensorsHeader(sources, metadata);
  for (const { name, dtype, shape, chunks } of sources) {
    let written = 0;
    for await (const chunk of chunks()) {
      written += lengthOf(chunk);
      yield chunk;
    }
    const expected = elements(shape) * DTYPE_BYTES[dtype];
    if (written !== expected) throw new Error(`safetensors: "${name}" gave ${written} bytes instead of ${expected}`);
  }
}

function isSources(tensors: Tensors | readonly TensorSource[]): tensors is readonly TensorSource[] {
  return Array.isArray(tensors);
}

const stored = { f32: "F32", f16: "F16", i32: "I32" } as const;

/** A tensor in memory as a source. */
export function tensorSource(name: string, tensor: TensorData): TensorSource {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return { name, dtype: stored[tensor.dtype], shape: tensor.shape, chunks: () => [new Uint8Array(buffer, byteOffset, byteLength)] };
}

/** Opens a file's head. Throws MvcError `file-missing`, `file-unreadable`, `weights-invalid`. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const { descriptor, size } = openRegular(path, "the tensor file");
  closeSync(descriptor);
  const head = safetensorsHeaderBytes(await range(path, 0, Math.min(8, size)), size, path);
  return parseSafetensorsHeader(await range(path, 0, head), size, path);
}

/** All tensors of a file, in the types that graphs take (see `storedToTensor`). */
export async function readSafetensors(path: string): Promise<Tensors> {
  const header = await readSafetensorsHeader(path);
  const tensors: (readonly [string, TensorData])[] = [];
  for (const [name, tensor] of header.tensors) {
    tensors.push([name, storedToTensor(tensor, await range(path, tensor.start, tensor.end), path)]);
  }
  return Object.fromEntries(tensors);
}

function range(path: string, start: number, end: number): Promise<Uint8Array> {
  return readRange(path, start, end).catch((error: unknown) => {
    throw mvcError("file-unreadable", { file: path, reason: reasonOf(error) });
  });
}
