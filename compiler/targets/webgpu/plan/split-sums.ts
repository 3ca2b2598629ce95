/** Gradients of weights to several, each of a part of the images or rows, and their sum: few numbers that each add up very many would leave a graphics card idle. */

import { type Graph, type OpValueOf, sizeOf, type ValueId } from "../../../graph/graph.ts";
import type { Lowering } from "../../../ops/op.ts";
import { inputAt } from "../../../ops/rules.ts";
import { rewriteOps } from "../../../rewriting/rewrite.ts";

/** From this many numbers on, a card is full without splitting: a thread adds up 16 to 48 of a convolution's weight, and four of a product. */
const enough = { convWeightGradient: 2 ** 20, matmul: 2 ** 18 } as const;
/** Products that a thread adds up at least. */
const leastProducts = 256;

export function splitSums(graph: Graph): Graph {
  return rewriteOps(graph, (op, { builder }) => {
    if (op.op === "convWeightGradient") return splitImages(op, builder.lowering(op.origin));
    return op.op === "matmul" ? splitRows(op, builder.lowering(op.origin)) : undefined;
  });
}

/**
 * Parts of the images become groups of channels, which moves nothing: kernels read through reshapes and transposes. So the partial sums are one
 * kernel's and one buffer, another adds them up in their order, and the same graph gives the same bits.
 */
function splitImages(op: OpValueOf<"convWeightGradient">, make: Lowering): ValueId | undefined {
  const { kernel, groups } = op.attributes;
  const [x, gradient] = [inputAt(op.inputs, 0), inputAt(op.inputs, 1)];
  const { shape } = make.typeOf(gradient);
  const images = sizeOf(shape.slice(0, -kernel.length - 1));
  const parts = partsOf(images, sizeOf(shape.slice(-kernel.length)), sizeOf(op.type.shape), enough.convWeightGradient);
  if (parts === 1) return undefined;
  const inParts = (id: ValueId): ValueId => {
    const [channels = 1, ...sizes] = make.typeOf(id).shape.slice(-kernel.length - 1);
    const apart = make.op("reshape", [id], { shape: [parts, images / parts, channels, ...sizes] });
    const moved = make.op("transpose", [apart], { permutation: [1, 0, ...[channels, ...sizes].map((_, axis) => axis + 2)] });
    return make.op("reshape", [moved], { shape: [images / parts, parts * channels, ...sizes] });
  };
  const partial = make.op("convWeightGradient", [inParts(x), inParts(gradient)], { ...op.attributes, groups: parts * groups });
  const rows = make.op("reshape", [partial], { shape: [parts, sizeOf(op.type.shape)] });
  return make.op("reshape", [make.op("sum", [rows], { axis: 0 })], { shape: op.type.shape });
}

/** Parts of the axis that is summed over become one more axis of matrices: of a linear layer's weight, whose gradient adds up all rows. */
function splitRows(op: OpValueOf<"matmul">, make: Lowering): ValueId | undefined {
  const [a, b] = [inputAt(op.inputs, 0), inputAt(op.inputs, 1)];
  const [left, right] = [make.typeOf(a).shape, make.typeOf(b).shape];
  const leading = left.slice(0, -2);
  const [rows = 1, inner = 1] = left.slice(-2);
  const columns = right.at(-1) ?? 1;
  const parts = partsOf(inner, 1, sizeOf(op.type.shape), enough.matmul);
  if (parts === 1) return undefined;
  const axis = leading.length;
  const apart = make.op("reshape", [a], { shape: [...leading, rows, parts, inner / parts] });
  const permutation = [...leading.keys(), axis + 1, axis, axis + 2];
  const moved = make.op("transpose", [apart], { permutation });
  const partial = make.op("matmul", [moved, make.op("reshape", [b], { shape: [...leading, parts, inner / parts, columns] })], {});
  return make.op("reshape", [make.op("sum", [partial], { axis })], { shape: op.type.shape });
}

/** The fewest that fill a card, each of whole images. */
function partsOf(images: number, points: number, numbers: number, wanted: number): number {
  const possible = Array.from({ length: images }, (_, i) => i + 1).filter(
    (parts) => images % parts === 0 && (parts === 1 || (images / parts) * points >= leastProducts),
  );
  return possible.find((parts) => parts * numbers >= wanted) ?? possible.at(-1) ?? 1;
}
