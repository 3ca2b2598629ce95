/** Moves a value's repetition along frames past what computes the same for each copy, so that the text's keys and values are made once a clip. */

import { type Graph, type OpValue, type OpValueOf, sizeOf, type ValueId } from "../graph/graph.ts";
import { type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";
import { sameShape } from "./layout.ts";

/**
 * `linear(repeat(y))` becomes `repeat(linear(y))`, and attention of frames to one repeated text becomes attention of all
 * the frames' queries to the one text: queries do not see one another, so the result is the same.
 */
export function shareRepeats(graph: Graph): Graph {
  return rewriteOps(graph, (op, rewriting) => {
    if (op.op === "linear") return linearOfRepeat(op, rewriting);
    if (op.op === "attend") return attendToRepeat(op, rewriting);
    return undefined;
  });
}

interface Repeat {
  /** The value that is repeated, and its shape stretched, before the copies are merged into the first axis. */
  readonly source: ValueId;
  readonly sourceShape: readonly number[];
  readonly stretched: readonly number[];
  readonly broadcast: OpValue;
  readonly merged: OpValue;
}

/** `reshape(broadcast(y))` that leaves the last two axes as they are. */
function repeatOf(id: ValueId, { value, builder }: Rewriting): Repeat | undefined {
  const merged = value(id);
  if (merged.kind !== "op" || merged.op !== "reshape") return undefined;
  const broadcast = value(inputOf(merged, 0));
  if (broadcast.kind !== "op" || broadcast.op !== "broadcast") return undefined;
  const source = inputOf(broadcast, 0);
  const sourceShape = builder.typeOf(source).shape;
  const stretched = broadcast.type.shape;
  const sameTail = (a: readonly number[], b: readonly number[]) => a.at(-1) === b.at(-1) && a.at(-2) === b.at(-2);
  if (!sameTail(sourceShape, stretched) || !sameTail(stretched, merged.type.shape)) return undefined;
  return { source, sourceShape, stretched, broadcast, merged };
}

function linearOfRepeat(op: OpValueOf<"linear">, rewriting: Rewriting): ValueId | undefined {
  const repeat = repeatOf(inputOf(op, 0), rewriting);
  if (repeat === undefined) return undefined;
  const { builder } = rewriting;
  const width = lastOf(op.type.shape);
  const withWidth = (shape: readonly number[]) => [...shape.slice(0, -1), width];
  const once = builder.op("linear", [repeat.source, ...op.inputs.slice(1)], op.attributes, op.origin);
  const stretched = builder.op("broadcast", [once], { shape: withWidth(repeat.stretched) }, repeat.broadcast.origin);
  return builder.op("reshape", [stretched], { shape: op.type.shape }, repeat.merged.origin);
}

/** Frames keep apart what a mask or a bias tells them apart by. Only where a clip's key and value are one text each, [clips, 1, tokens, width]: of other ranks, or repeated otherwise, each frame's stay its own. */
function attendToRepeat(op: OpValueOf<"attend">, rewriting: Rewriting): ValueId | undefined {
  const isBiased = op.inputs.length > 3;
  if (op.attributes.causal || isBiased) return undefined;
  const key = repeatOf(inputOf(op, 1), rewriting);
  const value = repeatOf(inputOf(op, 2), rewriting);
  if (key === undefined || value === undefined || !sameShape(key.sourceShape, value.sourceShape)) return undefined;
  if (key.sourceShape.length !== 4 || key.sourceShape[1] !== 1) return undefined;
  const [clips = 1, , tokens = 1, width = 1] = key.sourceShape;
  const { builder } = rewriting;
  const queries = builder.typeOf(inputOf(op, 0)).shape;
  const reshape = (id: ValueId, shape: readonly number[]) => builder.op("reshape", [id], { shape }, op.origin);
  const all = reshape(inputOf(op, 0), [clips, sizeOf(queries) / (clips * width), width]);
  const once = [key, value].map((repeat) => reshape(repeat.source, [clips, tokens, width]));
  return reshape(builder.op("attend", [all, ...once], op.attributes, op.origin), op.type.shape);
}

function inputOf(op: OpValue, index: number): ValueId {
  return op.inputs[index] ?? -1;
}

function lastOf(shape: readonly number[]): number {
  return shape[shape.length - 1] ?? 1;
}
