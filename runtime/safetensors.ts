/** The bytes at the head of a safetensors file to a checked table of its tensors, and a tensor's bytes to its elements. */

import { mvcError } from "./errors.ts";
import { brainToFloat } from "./half.ts";
import { scanHeader } from "./safetensors-scan.ts";
import { elements, type TensorData } from "./tensor.ts";

/** Bytes an element of each type that the format names. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type StoredDType = keyof typeof DTYPE_BYTES;

export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Byte range, counted from the first byte of the file. */
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** Where the tensors' bytes begin: 8 and the length of the JSON. */
  readonly headerBytes: number;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's own limit for the JSON at the head. */
const HEADER_LIMIT = 100_000_000;

/**
 * How many bytes the head of a file takes, from its first eight bytes and its size.
 * @throws MvcError `weights-invalid` where the length is impossible.
 */
export function safetensorsHeaderBytes(first: Uint8Array, fileSize: number, file = "weights.safetensors"): number {
  if (first.length < 8 || fileSize < 8) throw invalid(file, `it has ${fileSize} bytes, too few for a header`);
  const view = new DataView(first.buffer, first.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > HEADER_LIMIT) throw invalid(file, `its first eight bytes claim a header of ${length} bytes, more than ${HEADER_LIMIT}`);
  if (8 + length > fileSize)
    throw invalid(file, `its header should end at byte ${8 + length}, but the file has ${fileSize} bytes (cut short?)`);
  return 8 + length;
}

/**
 * Reads and checks a header: every range within the file, as long as its shape says, none overlapping and no byte left over.
 * @param bytes at least the whole head of the file, `fileSize` the size of the whole file.
 * @throws MvcError `weights-invalid` that names the tensor and the numbers; `weights-float8`.
 */
export function parseSafetensorsHeader(bytes: Uint8Array, fileSize: number, file = "weights.safetensors"): SafetensorsHeader {
  const headerBytes = safetensorsHeaderBytes(bytes, fileSize, file);
  const entries = scanHeader(bytes.subarray(8, headerBytes), (reason) => invalid(file, reason));
  const metadata = new Map<string, string>();
  const tensors: StoredTensor[] = [];
  for (const [name, value] of entries) {
    if (!isRecord(value)) throw invalid(file, `the entry "${name}" is not an object`);
    if (name === "__metadata__") {
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== "string") throw invalid(file, `the metadata "${key}" is not a string`);
        metadata.set(key, text);
      }
    } else {
      tensors.push(storedTensor(name, value, headerBytes, file));
    }
  }
  tensors.sort((a, b) => a.start - b.start || a.end - b.end);
  let end = headerBytes;
  for (const tensor of tensors) {
    if (tensor.start < end) throw invalid(file, `the bytes of "${tensor.name}" overlap those of another tensor`);
    if (tensor.start > end) throw invalid(file, `${tensor.start - end} bytes before "${tensor.name}" belong to no tensor`);
    end = tensor.end;
  }
  if (end > fileSize) throw invalid(file, `its tensors end at byte ${end}, but the file has ${fileSize} bytes (cut short?)`);
  if (end < fileSize) throw invalid(file, `${fileSize - end} bytes at the end belong to no tensor`);
  return { headerBytes, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

function storedTensor(name: string, value: { readonly [key: string]: unknown }, headerBytes: number, file: string): StoredTensor {
  const { dtype, shape, data_offsets: range } = value;
  if (typeof dtype === "string" && /^F[468](_|$)/.test(dtype)) throw mvcError("weights-float8", { file, tensor: name, dtype });
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw invalid(file, `"${name}" has the type ${JSON.stringify(dtype)}, which is none of ${Object.keys(DTYPE_BYTES).join(", ")}`);
  }
  if (!isCounts(shape)) throw invalid(file, `the shape of "${name}" is not a list of whole numbers`);
  if (!isCounts(range) || range.length !== 2) throw invalid(file, `the data_offsets of "${name}" are not two whole numbers`);
  const [start = 0, end = 0] = range;
  const bytes = elements(shape) * DTYPE_BYTES[dtype as StoredDType];
  if (!Number.isSafeInteger(bytes)) throw invalid(file, `"${name}" of shape [${shape.join(", ")}] is larger than any file`);
  if (end - start !== bytes) {
    throw invalid(file, `"${name}" takes ${bytes} bytes as ${dtype} [${shape.join(", ")}], but its data_offsets span ${end - start}`);
  }
  return { name, dtype: dtype as StoredDType, shape, start: headerBytes + start, end: headerBytes + end };
}

/**
 * A tensor's bytes as elements: F16 stays f16; BF16 and F64 become f32; the integers become i32.
 * @param where names the file in the error.
 * @throws MvcError `tensor-dtype` for unsigned and 64-bit integers beyond the range of i32.
 */
export function storedToTensor(stored: StoredTensor, bytes: Uint8Array, where: string): TensorData {
  const { dtype, shape } = stored;
  // A copy starts at an address that every element type accepts; the file's bytes need not.
  const buffer = new Uint8Array(bytes).buffer;
  if (dtype === "F32") return { dtype: "f32", shape, data: new Float32Array(buffer) };
  if (dtype === "F16") return { dtype: "f16", shape, data: new Uint16Array(buffer) };
  if (dtype === "I32") return { dtype: "i32", shape, data: new Int32Array(buffer) };
  if (dtype === "BF16") return { dtype: "f32", shape, data: Float32Array.from(new Uint16Array(buffer), brainToFloat) };
  if (dtype === "F64") return { dtype: "f32", shape, data: Float32Array.from(new Float64Array(buffer)) };
  const data = Int32Array.from(integers[dtype](buffer), (value) => {
    if (value < -0x80000000 || value > 0x7fffffff) {
      throw mvcError("tensor-dtype", { tensor: stored.name, where, expected: "whole numbers that fit i32", found: `${value}` });
    }
    return value;
  });
  return { dtype: "i32", shape, data };
}

const integers: {
  readonly [D in Exclude<StoredDType, "F32" | "F16" | "I32" | "BF16" | "F64">]: (buffer: ArrayBuffer) => ArrayLike<number>;
} = {
  BOOL: (buffer) => new Uint8Array(buffer),
  U8: (buffer) => new Uint8Array(buffer),
  I8: (buffer) => new Int8Array(buffer),
  U16: (buffer) => new Uint16Array(buffer),
  I16: (buffer) => new Int16Array(buffer),
  U32: (buffer) => new Uint32Array(buffer),
  U64: (buffer) => Array.from(new BigUint64Array(buffer), Number),
  I64: (buffer) => Array.from(new BigInt64Array(buffer), Number),
};

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && x >= 0);
}

function invalid(file: string, reason: string) {
  return mvcError("weights-invalid", { file, reason });
}
