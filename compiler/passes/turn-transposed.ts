/** Transposed convolutions of stride 1 to convolutions with the taps in reverse: the same sums, which ONNX Runtime gathers a third to a half faster than it spreads them. */

import { type Graph, type OpValueOf, sizeOf, type ValueId } from "../graph/graph.ts";
import { inputAt } from "../ops/rules.ts";
import { isTransposed, paddingOf, type TransposedName, windowsOf } from "../ops/windows.ts";
import type { GraphBuilder } from "../rewriting/builder.ts";
import { rewriteOps } from "../rewriting/rewrite.ts";

const straight = { convTranspose1d: "conv1d", convTranspose2d: "conv2d", convTranspose3d: "conv3d" } as const;

/** Of gradients, whose weights are turned once a step; where weights stay as they are, an engine has them turned already. */
export function turnTransposed(graph: Graph): Graph {
  return rewriteOps(graph, (op, { builder }) => {
    switch (op.op) {
      case "convTranspose1d":
      case "convTranspose2d":
      case "convTranspose3d":
        return turned(op, builder);
      default:
        return undefined;
    }
  });
}

function turned(op: OpValueOf<TransposedName>, builder: GraphBuilder): ValueId | undefined {
  if (!isTransposed(op.op)) return undefined;
  const name = straight[op.op];
  const windows = windowsOf(op.op, op.attributes);
  const paddings = windows.map((window) => {
    const span = window.dilation * (window.kernel - 1);
    return window.stride === 1 ? paddingOf(name, window, span - window.before, span - window.after) : undefined;
  });
  if (paddings.some((padding) => padding === undefined)) return undefined;
  const [x, weight, ...bias] = op.inputs;
  const { out, groups } = op.attributes;
  const kernel = windows.map((window) => window.kernel);
  const taps = sizeOf(kernel);
  const channels = inputAt(builder.typeOf(weight ?? -1).shape, 0);
  const [inner, own] = [channels / groups, out / groups];
  const make = builder.lowering(op.origin);
  // Channels last while the taps are reversed, so that rows move, not single numbers: it is done once a step for each convolution.
  const flat = make.op("reshape", [weight ?? -1], { shape: [groups, inner, own, taps] });
  const byTap = taps === 1 ? flat : make.op("transpose", [flat], { permutation: [0, 1, 3, 2] });
  const backwards = make.constant({ dtype: "i32", shape: [taps] }, [...Array(taps).keys()].reverse());
  const reversed = taps === 1 ? flat : make.op("gather", [byTap, backwards], { axis: 2 });
  const filters = make.op("transpose", [reversed], { permutation: taps === 1 ? [0, 2, 1, 3] : [0, 3, 1, 2] });
  const shaped = make.op("reshape", [filters], { shape: [out, inner, ...kernel] });
  return builder.op(name, [x ?? -1, shaped, ...bias], { ...op.attributes, padding: paddings as never }, op.origin, op.type);
}
