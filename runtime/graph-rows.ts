/** Rows of a batch to what a graph makes of them, a few rows at a time; and what the loop's graphs take of a condition. */

import { split, stack } from "./batch.ts";
import { bothHalves, type ConditionFeed, type EntryRows, encodedCondition } from "./conditions.ts";
import type { RowsRole } from "./roles.ts";
import type { GraphRunner } from "./session.ts";
import { f32, floatsOf, type TensorData, type Tensors } from "./tensor.ts";

/** What the loop's graphs take of a condition. */
export async function conditionOf(runner: Pick<GraphRunner, "run">, feed: ConditionFeed, halves: 1 | 2): Promise<TensorData> {
  const { role, rows, towards } = feed;
  const { encoder } = role;
  if (encoder === undefined) return rows;
  const encode = async (given: EntryRows) => encodedCondition(role, given, stack(await byRows(runner, encoder, given.rows)));
  const encoded = towards === undefined ? await encode(feed) : mixed(await encode(feed), await encode(towards), towards.shares);
  return halves === 1 ? encoded : bothHalves(role, encoded);
}

/** Row by row, from one to the other. */
function mixed(from: TensorData, to: TensorData, shares: readonly number[]): TensorData {
  const [one, other] = [floatsOf(from), floatsOf(to)];
  const row = one.length / shares.length;
  return f32(
    from.shape,
    one.map((value, i) => value + (shares[Math.floor(i / row)] ?? 0) * ((other[i] ?? 0) - value)),
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
