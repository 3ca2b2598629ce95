// Weights, layouts and checkpoints written by hand, as small as their subject allows.

import type { Checkpoint, CheckpointTensor } from "../../../cli/checkpoint/checkpoint.ts";
import { allFloats, type Elements, type FloatType } from "../../../cli/weights/streams.ts";
import type { KeyPlace, Layout } from "../../../compiler/module/layout.ts";
import type { PlacedWeight } from "../../../compiler/package/weights.ts";
import { floatsToHalves, floatToBrain } from "../../../runtime/half.ts";
import { elements } from "../../../runtime/tensor.ts";

type Shape = readonly number[];

/** Weights by path; axes where they have names. */
export function weightsOf(shapes: { readonly [path: string]: Shape | { readonly shape: Shape; readonly axes: readonly string[] } }) {
  const placed = Object.entries(shapes).map(([path, given]): [string, PlacedWeight] => {
    const { shape, axes } = "axes" in given ? given : { shape: given as Shape, axes: undefined };
    return [path, { path, type: { dtype: "f32", shape }, init: { kind: "ones" }, axes, offset: 0, length: 4 * elements(shape) }];
  });
  return new Map(placed);
}

export function layoutOf(
  name: string,
  places: { readonly [path: string]: string | readonly KeyPlace[] },
  dropped: readonly string[] = [],
): Layout {
  const known = Object.entries(places).map(([path, place]) => [path, typeof place === "string" ? [{ key: place }] : place] as const);
  return { name, places: new Map(known), dropped };
}

export const bytesOf: { readonly [D in FloatType]: (values: Float32Array) => Uint8Array } = {
  F32: (values) => new Uint8Array(values.buffer),
  F16: (values) => new Uint8Array(floatsToHalves(values).buffer),
  BF16: (values) => new Uint8Array(Uint16Array.from(values, floatToBrain).buffer),
  F64: (values) => new Uint8Array(Float64Array.from(values).buffer),
};

/** `values`, or 0, 1, 2 …; in pieces of `piece` bytes. */
export function tensor(
  shape: Shape,
  { dtype = "F32", values, piece = 5 }: { dtype?: FloatType; values?: readonly number[]; piece?: number } = {},
): CheckpointTensor {
  const bytes = bytesOf[dtype](Float32Array.from(values ?? Array.from({ length: elements(shape) }, (_, i) => i)));
  return {
    dtype,
    shape,
    *chunks() {
      for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
    },
  };
}

export function checkpointOf(tensors: { readonly [key: string]: CheckpointTensor | Shape }): Checkpoint {
  const all = Object.entries(tensors).map(([key, given]) => [key, "dtype" in given ? given : tensor(given)] as const);
  return { path: "model.ckpt", files: [], tensors: new Map(all), metadata: {}, notes: [], close: () => {} };
}

export const numbers = (elements: Elements): readonly number[] => [...allFloats(elements)];
