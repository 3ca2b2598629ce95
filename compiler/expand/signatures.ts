/** The inputs and the result of an expanded graph to what each is in messages, and whether one may stand for another. */

import type { Graph, InputValue } from "../graph/graph.ts";

export interface Tensor {
  /** The graph's, or as the source writes it. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** As the source names them. */
  readonly axes: readonly string[];
}

export function inputsOf(graph: Graph): readonly InputValue[] {
  return graph.values.filter((value) => value.kind === "input");
}

export function inputOf(graph: Graph, name: string): Tensor {
  const found = inputsOf(graph).find((value) => value.name === name);
  if (found === undefined) throw new Error(`signatures: graph ${graph.name} has no input ${name}, which check should have found`);
  return { ...found.type, axes: found.axes };
}

/** A graph of the source has one result. */
export function resultOf(graph: Graph): Tensor {
  const [output] = graph.outputs;
  const value = graph.values.find(({ id }) => id === output?.value);
  if (output === undefined || value === undefined) throw new Error(`signatures: graph ${graph.name} has no result`);
  return { ...value.type, axes: output.axes };
}

/**
 * Whether a tensor may stand for another clip by clip: element type, sizes and order of the axes after the batch. Sizes that happen
 * to be equal do not hide that two named axes have changed places.
 */
export function beyondBatch(found: Tensor, wanted: Tensor, sized: (size: number, other: number, i: number) => boolean = equal): boolean {
  if ((found.dtype === "i32") !== (wanted.dtype === "i32") || found.shape.length !== wanted.shape.length) return false;
  return found.shape.every((size, i) => {
    if (i === 0) return true;
    const [name, other] = [found.axes[i] ?? "", wanted.axes[i] ?? ""];
    const named = /\D/.test(name) && /\D/.test(other);
    const moved = named && name !== other && (wanted.axes.includes(name) || found.axes.includes(other));
    return sized(size, wanted.shape[i] ?? 0, i) && !moved;
  });
}

const equal = (size: number, other: number) => size === other;

/**
 * How many rows of an encoded text are one of the wanted, side by side along the tokens: where that axis is the other's times something, by
 * name (`[B, 2 * L, D]` of `[B, L, D]`). 1 where it may stand for it as it is, undefined where neither.
 */
export function piecesOf(found: Tensor, wanted: Tensor): number | undefined {
  if (beyondBatch(found, wanted)) return 1;
  if (!isMultiple(found, wanted) || !factorsOf(wanted.axes[1]).includes(found.axes[1] ?? "")) return undefined;
  return (wanted.shape[1] ?? 0) / (found.shape[1] ?? 1);
}

/** Whether sizes alone would let rows of an encoded text be pieces of the wanted. */
export function isMultiple(found: Tensor, wanted: Tensor): boolean {
  return beyondBatch(found, wanted, (size, other, i) => size === other || (i === 1 && size > 0 && other > size && other % size === 0));
}

function factorsOf(axis = ""): readonly string[] {
  return axis.split(" * ");
}

/** Frames in -1..1, of one picture or of several a clip. */
export function isPictures({ dtype, shape }: Tensor): boolean {
  return dtype !== "i32" && (shape.length === 4 ? shape[1] === 3 : shape.length === 5 && shape[2] === 3);
}

/** `f32 [B = 1, L = 16, 3]`. */
export function showTensor({ dtype, shape, axes }: Tensor): string {
  return `${dtype} [${shape.map((size, i) => (axes[i] === String(size) ? axes[i] : `${axes[i]} = ${size}`)).join(", ")}]`;
}
