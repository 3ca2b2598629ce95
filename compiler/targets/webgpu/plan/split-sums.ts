/** Gradients of convolutions' weights to several, each of a part of the images, and their sum: few numbers that each add up very many would leave a graphics card idle. */

import { type Graph, type OpValueOf, sizeOf, type ValueId } from "../../../graph/graph.ts";
import type { Lowering } from "../../../ops/op.ts";
import { inputAt } from "../../../ops/rules.ts";
import { rewriteOps } from "../../../rewriting/rewrite.ts";

/** From this many threads on, a card is full without splitting. */
const enoughThreads = 2 ** 16;
/** Products that a thread adds up at least. */
const leastProducts = 256;

/**
 * Parts of the images become groups of channels, which moves nothing: kernels read through reshapes and transposes. So the partial sums are one
 * kernel's and one buffer, another adds them up in their order, and the same graph gives the same bits.
 */
export function splitSums(graph: Graph): Graph {
  return rewriteOps(graph, (op, { builder }) => (op.op === "convWeightGradient" ? split(op, builder.lowering(op.origin)) : undefined));
}

function split(op: OpValueOf<"convWeightGradient">, make: Lowering): ValueId | undefined {
  const { kernel, groups } = op.attributes;
  const [x, gradient] = [inputAt(op.inputs, 0), inputAt(op.inputs, 1)];
  const { shape } = make.typeOf(gradient);
  const images = sizeOf(shape.slice(0, -kernel.length - 1));
  const parts = partsOf(images, sizeOf(shape.slice(-kernel.length)), sizeOf(op.type.shape));
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

/** The fewest that fill a card, each of whole images. */
function partsOf(images: number, points: number, threads: number): number {
  const possible = Array.from({ length: images }, (_, i) => i + 1).filter(
    (parts) => images % parts === 0 && (parts === 1 || (images / parts) * points >= leastProducts),
  );
  return possible.find((parts) => parts * threads >= enoughThreads) ?? possible.at(-1) ?? 1;
}
