/** Rows of a batch to what a graph makes of them, a few rows at a time; and what the loop's graphs take of a condition. */

import { split, stack } from "./batch.ts";
import { bothHalves, type ConditionFeed } from "./conditions.ts";
import type { RowsRole } from "./roles.ts";
import type { GraphRunner } from "./session.ts";
import { f32, floatsOf, type TensorData, type Tensors } from "./tensor.ts";

/** What the loop's graphs take of a condition. */
export async function conditionOf(
  runner: Pick<GraphRunner, "run">,
  { role, rows, towards }: ConditionFeed,
  halves: 1 | 2,
): Promise<TensorData> {
  const { encoder } = role;
  if (encoder === undefined) return rows;
  const encode = async (given: TensorData) => stack(await byRows(runner, encoder, given));
  const encoded = towards === undefined ? await encode(rows) : mixed(await encode(rows), await encode(towards.rows), towards.weights);
  return halves === 1 ? encoded : bothHalves(role, encoded);
}

/** Row by row, from one to the other. */
function mixed(from: TensorData, to: TensorData, weights: readonly number[]): TensorData {
  const [one, other] = [floatsOf(from), floatsOf(to)];
  const row = one.length / weights.length;
  return f32(
    from.shape,
    one.map((value, i) => value + (weights[Math.floor(i / row)] ?? 0) * ((other[i] ?? 0) - value)),
  );
}

/** As many runs as the graph's own batch asks for. */
export async function byRows(
  runner: Pick<GraphRunner, "run">,
  { graph, input, output: result, batch }: RowsRole,
  rows: TensorData,
): Promise<TensorData[]> {
  const made: TensorData[] = [];
  for (const piece of split(rows, batch)) made.push(output(await runner.run(graph, { [input.name]: piece }), result.name));
  return made;
}

export function output(outputs: Tensors, name: string): TensorData {
  const found = outputs[name];
  if (!found) throw new Error(`sampling: the backend gave no output "${name}"`);
  return found;
}
