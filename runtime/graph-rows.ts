/** Rows of a batch to what a graph makes of them, a few rows at a time; and what the loop's graphs take of a condition. */

import { split, stack } from "./batch.ts";
import { bothHalves, type ConditionFeed, encodedCondition } from "./conditions.ts";
import type { RowsRole } from "./roles.ts";
import type { GraphRunner } from "./session.ts";
import type { TensorData, Tensors } from "./tensor.ts";

/** What the loop's graphs take of a condition. */
export async function conditionOf(runner: Pick<GraphRunner, "run">, feed: ConditionFeed, halves: 1 | 2): Promise<TensorData> {
  const { role, rows } = feed;
  if (role.encoder === undefined) return rows;
  const encoded = encodedCondition(feed, stack(await byRows(runner, role.encoder, rows)));
  return halves === 1 ? encoded : bothHalves(role, encoded);
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
