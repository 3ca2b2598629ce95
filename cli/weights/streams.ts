/** The stored elements of a tensor, a piece at a time, to those that are written: a part of them, in another type. */

import { floatsToHalves, floatToBrain, halvesToFloats } from "../../runtime/half.ts";
import type { Chunk } from "../../runtime/node/atomic-file.ts";
import type { Extent } from "../../runtime/node/extents.ts";
import { DTYPE_BYTES, type StoredDType, storedToTensor } from "../../runtime/safetensors.ts";
import type { Window } from "./match.ts";

/** Types of weights; whole numbers are none. */
export const floatTypes = ["F32", "F16", "BF16", "F64"] as const;
export type FloatType = (typeof floatTypes)[number];

export const isFloat = (dtype: StoredDType): dtype is FloatType => (floatTypes as readonly StoredDType[]).includes(dtype);

/** Elements of one type, little-endian, in pieces of any length: an element may lie in two, and a piece may change once the next is asked for. */
export interface Elements {
  readonly dtype: FloatType;
  /** Where they lie as `chunks` gives them, if they do in a file. */
  readonly extent?: Extent | undefined;
  chunks(): Iterable<Uint8Array>;
}

/** As they are written: by the place that they are copied from, if there is one. */
export function toWrite({ extent, chunks }: Elements): Iterable<Chunk> {
  return extent === undefined ? chunks() : [extent];
}

/** The elements within the window. */
export function within({ dtype, extent, chunks }: Elements, window: Window): Elements {
  const [period, start, length] = [window.period, window.start, window.length].map((count) => count * DTYPE_BYTES[dtype]) as [
    number,
    number,
    number,
  ];
  const isOneRun = extent?.end === (extent?.start ?? 0) + period;
  return {
    dtype,
    extent: extent && isOneRun ? { ...extent, start: extent.start + start, end: extent.start + start + length } : undefined,
    *chunks() {
      let at = 0;
      for (const chunk of chunks()) {
        for (let from = 0; from < chunk.length; ) {
          const run = Math.min(chunk.length - from, period - at);
          const [first, last] = [Math.max(at, start), Math.min(at + run, start + length)];
          if (first < last) yield chunk.subarray(from + first - at, from + last - at);
          from += run;
          at = (at + run) % period;
        }
      }
    },
  };
}

/** The nearest values of another type; the same bytes where it is the same. */
export function as(dtype: FloatType, elements: Elements): Elements {
  if (dtype === elements.dtype) return elements;
  return {
    dtype,
    *chunks() {
      for (const whole of wholeElements(elements)) yield bytesAs(dtype, floatsOf(elements.dtype, whole));
    },
  };
}

/** All elements as f32. */
export function allFloats(elements: Elements): Float32Array {
  const pieces: Uint8Array[] = [];
  for (const chunk of elements.chunks()) pieces.push(chunk.slice());
  return floatsOf(elements.dtype, Buffer.concat(pieces));
}

/** Numbers in memory; their bytes are made when they are asked for. */
export function elementsOf(dtype: FloatType, values: () => Iterable<Float32Array>): Elements {
  return {
    dtype,
    *chunks() {
      for (const some of values()) yield bytesAs(dtype, some);
    },
  };
}

function* wholeElements({ dtype, chunks }: Elements): Iterable<Uint8Array> {
  const size = DTYPE_BYTES[dtype];
  let rest: Uint8Array = new Uint8Array();
  for (const chunk of chunks()) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % size);
    yield bytes.subarray(0, whole);
    // A copy: whoever reads the chunks may fill the same memory again.
    rest = bytes.slice(whole);
  }
}

function floatsOf(dtype: FloatType, bytes: Uint8Array): Float32Array {
  const count = bytes.length / DTYPE_BYTES[dtype];
  const tensor = storedToTensor({ name: "", dtype, shape: [count], start: 0, end: bytes.length }, bytes, "");
  return tensor.dtype === "f16" ? halvesToFloats(tensor.data) : Float32Array.from(tensor.data);
}

function bytesAs(dtype: FloatType, values: Float32Array): Uint8Array {
  const stored = {
    F32: () => values,
    F16: () => floatsToHalves(values),
    BF16: () => Uint16Array.from(values, floatToBrain),
    F64: () => Float64Array.from(values),
  }[dtype]();
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
