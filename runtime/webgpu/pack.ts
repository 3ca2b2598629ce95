/** A row-major tensor on the device to its place in a buffer of packed weights: one kernel, told by a part's figures. */

import type { WeightPart } from "../../compiler/package/plan.ts";

/** As `WeightPart` in compiler/package/plan.ts says; a thread writes one word: one f32, or two f16 of neighbouring columns. */
export const packKernel = `struct Part {
  outputs: u32, inputs: u32, taps: u32, columns: u32, gated: u32, start: u32, skip: u32, halves: u32, pairs: u32, words: u32, row: u32, unused: u32,
}
@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;
fn element(k: u32, o: u32) -> f32 {
  let i = part.skip + (o * part.inputs + k % part.inputs) * part.taps + k / part.inputs;
  if (part.halves == 1u) { return unpack2x16float(source[i / 2u])[i % 2u]; }
  return bitcast<f32>(source[i]);
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let word = id.y * part.row + id.x;
  if (word >= part.words) { return; }
  let each = 1u + part.pairs;
  let across = part.outputs / each;
  let k = word / across;
  let o = (word % across) * each;
  let half = part.outputs / 2u;
  var column = o;
  if (part.gated == 1u) { column = (o % half) / 4u * 8u + select(0u, 4u, o >= half) + o % 4u; }
  let at = part.start + k * part.columns + column;
  if (part.pairs == 1u) { result[at / 2u] = pack2x16float(vec2<f32>(element(k, o), element(k, o + 1u))); }
  else { result[at] = bitcast<u32>(element(k, o)); }
}
`;

/** Bytes of `packFields`. */
export const packBytes = 48;

/** What the kernel is told: of a source of f32, or of halves, in which the tensor begins at an element. */
export function packFields(part: WeightPart, begin = 0, halves = false): Uint32Array<ArrayBuffer> {
  const { outputs, inputs, taps, columns, gated, start, from = 0, dtype } = part;
  const pairs = dtype === "f16" ? 1 : 0;
  const { words, row } = gridOfPart(part);
  const fields = [outputs, inputs, taps, columns, gated ? 1 : 0, start, begin + from, halves ? 1 : 0, pairs, words, row, 0];
  return Uint32Array.from(fields);
}

export function packGrid(part: WeightPart): readonly [number, number] {
  const { words, row } = gridOfPart(part);
  return [row / 64, Math.ceil(words / row)];
}

/** Threads, a word each, and how many of them a row of the folded grid has. */
function gridOfPart({ outputs, inputs, taps, dtype }: WeightPart): { readonly words: number; readonly row: number } {
  const words = (outputs * inputs * taps) / (dtype === "f16" ? 2 : 1);
  return { words, row: 64 * Math.min(32768, Math.ceil(words / 64)) };
}
