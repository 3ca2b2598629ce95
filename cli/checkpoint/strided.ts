/** A view with strides to its elements in row-major order, a piece at a time. */

import { PIECE_BYTES } from "../../runtime/node/extents.ts";

/** Elements counted from the first of what they are views of. */
export interface View {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly itemBytes: number;
}

/** Bytes of what a view is of, from `start` on, in memory of their own. */
export type ReadBytes = (start: number, length: number) => Uint8Array;

/** What is read at once to pick elements from; a larger span is gone through by its first axis. */
const MOST_SPAN = 2 ** 28;

export function isContiguous({ shape, strides }: View): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

/** The elements of a view that has some, row by row. */
export function* stridedPieces(view: View, read: ReadBytes): Generator<Uint8Array> {
  const { offset, itemBytes } = view;
  if (itemBytes === 8) {
    yield* stridedPieces(inHalves(view), read);
    return;
  }
  const span = spanOf(view);
  if (span * itemBytes > MOST_SPAN) {
    for (const half of halves(view)) yield* stridedPieces(half, read);
    return;
  }
  const bytes = read(offset * itemBytes, span * itemBytes);
  yield* picked({ ...view, offset: 0 }, bytes);
}

function* picked(view: View, bytes: Uint8Array): Generator<Uint8Array> {
  if (countOf(view) * view.itemBytes > PIECE_BYTES) {
    for (const half of halves(view)) yield* picked(half, bytes);
    return;
  }
  yield pick(view, bytes);
}

function pick(view: View, bytes: Uint8Array): Uint8Array {
  const { shape, strides, itemBytes } = view;
  const from = elementsOf(bytes, itemBytes);
  const to = new Uint8Array(countOf(view) * itemBytes);
  const target = elementsOf(to, itemBytes);
  const last = shape.length - 1;
  const run = shape[last] ?? 1;
  const stride = strides[last] ?? 1;
  const index = shape.map(() => 0);
  let start = view.offset;
  for (let at = 0; at < target.length; ) {
    for (let i = 0, source = start; i < run; i++, source += stride) target[at++] = from[source] ?? 0;
    // The next row: the last axis but one that is not at its end goes on.
    for (let axis = last - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      start += strides[axis] ?? 0;
      index[axis] = next;
      if (next < (shape[axis] ?? 1)) break;
      start -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return to;
}

/** Elements of eight bytes as two of four. */
function inHalves({ offset, shape, strides }: View): View {
  return { offset: offset * 2, shape: [...shape, 2], strides: [...strides.map((stride) => stride * 2), 1], itemBytes: 4 };
}

/** Bits, whatever they mean: as floats, engines may change those that are no number. */
function elementsOf(bytes: Uint8Array, itemBytes: number): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (itemBytes === 1) return bytes;
  if (itemBytes === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/** Both halves of the first axis that has two indices or more. */
function halves(view: View): [View, View] {
  const axis = view.shape.findIndex((size) => size > 1);
  const size = view.shape[axis] ?? 1;
  const half = Math.floor(size / 2);
  const part = (from: number, to: number): View => ({
    ...view,
    offset: view.offset + from * (view.strides[axis] ?? 0),
    shape: view.shape.with(axis, to - from),
  });
  return [part(0, half), part(half, size)];
}

function countOf({ shape }: View): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Elements from the first to the last that it shows. */
function spanOf({ shape, strides }: View): number {
  return shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] ?? 0), 1);
}
