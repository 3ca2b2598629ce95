/** Transposes over as few axes as they can be: axes that move together become one, which engines move many times faster than five loose ones. */

import { type Graph, type OpValueOf, sizeOf, type ValueId } from "../graph/graph.ts";
import { type Rewriting, rewriteOps } from "../rewriting/rewrite.ts";

/** `[B, F, C, H, W] → [B, H, W, F, C]` becomes `[B, F·C, H·W] → [B, H·W, F·C]` between two reshapes, which move nothing. */
export function mergeAxes(graph: Graph): Graph {
  return rewriteOps(graph, (op, rewriting) => (op.op === "transpose" ? merged(op, rewriting) : undefined));
}

function merged(op: OpValueOf<"transpose">, { builder }: Rewriting): ValueId | undefined {
  const [source = -1] = op.inputs;
  const shape = builder.typeOf(source).shape;
  const groups = groupsOf(
    op.attributes.permutation.filter((axis) => shape[axis] !== 1),
    shape,
  );
  if (groups.length === shape.length) return undefined;
  // In the order of the input; the permutation says which of these stands where in the result.
  const inOrder = [...groups].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
  const sizes = inOrder.map((group) => sizeOf(group.map((axis) => shape[axis] ?? 1)));
  const permutation = groups.map((group) => inOrder.indexOf(group));
  const before = builder.op("reshape", [source], { shape: sizes }, op.origin);
  const moved = builder.op("transpose", [before], { permutation }, op.origin);
  return builder.op("reshape", [moved], { shape: op.type.shape }, op.origin, op.type);
}

/** Runs of axes that follow each other in the input too, axes of size 1 between them left out of account. */
function groupsOf(order: readonly number[], shape: readonly number[]): number[][] {
  const groups: number[][] = [];
  for (const axis of order) {
    const last = groups.at(-1);
    const previous = last?.at(-1);
    const adjacent = previous !== undefined && axis > previous && shape.slice(previous + 1, axis).every((size) => size === 1);
    if (last !== undefined && adjacent) last.push(axis);
    else groups.push([axis]);
  }
  return groups;
}
