/** A step whose loss is not finite to the sentence that says where the first such value was born, by computing the step again. */

import { bytesOf, type Graph, type OpValue, type ValueId } from "../compiler/graph/graph.ts";
import { removeDeadCode } from "../compiler/passes/dead-code.ts";
import type { Feeds } from "./engine.ts";

/** The results of a graph by output. */
export type Compute = (graph: Graph, feeds: Feeds) => Promise<ReadonlyMap<string, ArrayLike<number>>>;

/** Of values that are looked at in one run of the graph. */
const mostBytes = 2 ** 29;

/**
 * Values are looked at in the order in which they are made, forward, then backward, of one part of the batch after another.
 * Undefined where all are finite: then it was their sum.
 */
export async function whereNotFinite(
  graph: Graph,
  weights: ReadonlyMap<string, Float32Array>,
  parts: readonly Feeds[],
  compute: Compute,
): Promise<string | undefined> {
  for (const [path, values] of weights) if (!areFinite(values)) return `the weight ${path} is not finite`;
  for (const feeds of parts) for (const [name, { data }] of feeds) if (!areFinite(data)) return `the input ${name} is not finite`;
  const forward = neededFor(graph, graph.outputs[0]?.value);
  for (const feeds of parts)
    for (const some of inPieces(graph)) {
      const made = await compute(withOutputs(graph, some), feeds);
      for (const value of some) if (!areFinite(made.get(nameOf(value)) ?? [])) return sentence(value, forward.has(value.id));
    }
  return undefined;
}

const nameOf = ({ id }: OpValue) => `value ${id}`;

function sentence({ op, origin }: OpValue, isForward: boolean): string {
  const at = origin.path === "" ? "" : ` at ${origin.path}`;
  return isForward
    ? `the first value that is not finite is the result of \`${op}\`${at}`
    : `the loss is finite, and the first gradient that is not is made by \`${op}\`${at === "" ? "" : `, going back through ${origin.path}`}`;
}

/** Ops of floats in their order, as many together as may be held at once. */
function* inPieces(graph: Graph): Generator<readonly OpValue[]> {
  let [piece, bytes]: [OpValue[], number] = [[], 0];
  for (const value of graph.values) {
    if (value.kind !== "op" || value.type.dtype === "i32") continue;
    piece.push(value);
    bytes += bytesOf(value.type);
    if (bytes < mostBytes) continue;
    yield piece;
    [piece, bytes] = [[], 0];
  }
  if (piece.length > 0) yield piece;
}

function withOutputs(graph: Graph, values: readonly OpValue[]): Graph {
  const outputs = values.map((value) => ({ name: nameOf(value), value: value.id, axes: value.type.shape.map(String) }));
  return removeDeadCode({ ...graph, outputs });
}

function neededFor(graph: Graph, output: ValueId | undefined): ReadonlySet<ValueId> {
  const needed = new Set(output === undefined ? [] : [output]);
  for (const value of [...graph.values].reverse())
    if (value.kind === "op" && needed.has(value.id)) for (const id of value.inputs) needed.add(id);
  return needed;
}

function areFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
