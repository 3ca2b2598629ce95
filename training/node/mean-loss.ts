/** A step's batch, whole and in its parts, to whether its loss is the mean of theirs: only then may it be divided. */

import type { Graph } from "../../compiler/graph/graph.ts";
import { elements, f32, i32, type TensorData } from "../../runtime/tensor.ts";
import type { Feeds } from "../engine.ts";
import { openWeighted } from "./weighted-graph.ts";

/** The loss of a batch, computed at once, and the mean of those of its parts. */
export interface UnequalLosses {
  readonly whole: number;
  readonly mean: number;
}

/** Of the largest part's loss: f32 sums in another order come to a hundredth of it, what compares examples or adds them up to far more. */
const rounding = 1e-4;

/** `graphs` are the loss at both batches. Undefined where both are the same, or not finite, which the step itself tells of. Throws MvcError as `openWeighted`. */
export async function unequalLosses(
  graphs: { readonly whole: Graph; readonly part: Graph },
  weights: ReadonlyMap<string, Float32Array>,
  parts: readonly Feeds[],
): Promise<UnequalLosses | undefined> {
  const each = await minimised(graphs.part, weights, parts);
  const [whole = Number.NaN] = await minimised(graphs.whole, weights, [joined(parts)]);
  const mean = each.reduce((sum, loss) => sum + loss, 0) / each.length;
  const largest = Math.max(...each.map(Math.abs));
  return Math.abs(whole - mean) > rounding * largest ? { whole, mean } : undefined;
}

async function minimised(graph: Graph, weights: ReadonlyMap<string, Float32Array>, batches: readonly Feeds[]): Promise<readonly number[]> {
  const opened = await openWeighted(graph, weights);
  const losses: number[] = [];
  try {
    for (const feeds of batches) losses.push((await opened.run(feeds)).get(graph.outputs[0]?.name ?? "")?.[0] ?? Number.NaN);
  } finally {
    await opened.dispose();
  }
  return losses;
}

/** The examples of all parts, one after the other. */
function joined(parts: readonly Feeds[]): Feeds {
  const names = [...(parts[0]?.keys() ?? [])];
  return new Map(names.map((name) => [name, stacked(parts.flatMap((feeds) => feeds.get(name) ?? []))]));
}

function stacked(tensors: readonly TensorData[]): TensorData {
  const [
    {
      dtype,
      shape: [own = 1, ...rest],
    } = { dtype: "f32", shape: [] },
  ] = tensors;
  const shape = [own * tensors.length, ...rest];
  const data = dtype === "i32" ? new Int32Array(elements(shape)) : new Float32Array(elements(shape));
  for (const [i, tensor] of tensors.entries()) data.set(tensor.data, i * tensor.data.length);
  return data instanceof Int32Array ? i32(shape, data) : f32(shape, data);
}
