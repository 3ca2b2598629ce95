/** For a named axis of a graph's inputs: which positions along it each position of the output reads, derived from what every op mixes. */

import { type Graph, type InputValue, type Origin, type ValueId, valuesById } from "../graph/graph.ts";
import type { Pace } from "../ops/op.ts";
import { paceOf, samePace, still } from "./pace.ts";
import { type Reads, readsAlong, type StandIn, unfolded } from "./reads.ts";

/**
 * How the output's positions along the axis read the input's: each only its own, each those up to its own (figure 3c's
 * "directed"), or any; `none` when the output does not read the input. Where the output has r positions for one or one for r,
 * a position's own are those of its group of r; the first position is a group by itself where all groups are full only so.
 */
export type Dependence = (typeof dependences)[number];

/** From the best to the worst. */
const dependences = ["none", "independent", "directed", "mixed"] as const;

export function worstOf(kinds: readonly Dependence[]): Dependence {
  return dependences[Math.max(0, ...kinds.map((kind) => dependences.indexOf(kind)))] ?? "mixed";
}

/** What the output reads along dimension `axis` of the input, whatever the values are: a law of the graph, not a measurement. */
export function dependenceAlong(graph: Graph, input: string, axis: number): Dependence {
  const source = graph.values.find((value): value is InputValue => value.kind === "input" && value.name === input);
  const size = source?.type.shape[axis];
  const name = source?.axes[axis];
  if (size === undefined || name === undefined) throw new Error(`dependence: graph ${graph.name} has no axis ${axis} of ${input}`);
  const reads = readsAlong(graph, new Map([[input, axis]]));
  return worstOf(
    graph.outputs.map(({ value, axes }) => {
      const found = reads.get(value);
      // Positions along another axis than the one of the name are not those that the reader of a report means.
      return found === undefined ? "none" : kindAlong(found, counterpart(name, axis, axes) ?? found.placed?.axis, size);
    }),
  );
}

/** Which of a result's axes an input's axis is, the same of two if it is there: the one of its name, or a size made of the same dims. */
export function counterpart(name: string, axis: number, axes: readonly string[]): number | undefined {
  if (axes[axis] === name) return axis;
  const named = axes.indexOf(name);
  const made = named < 0 && dimsOf(name) !== "" ? axes.findIndex((other) => dimsOf(other) === dimsOf(name)) : named;
  return made < 0 ? undefined : made;
}

function dimsOf(name: string): string {
  return [...new Set(name.match(/[A-Za-z_]\w*/g))].sort().join();
}

/**
 * Where rows begin to read other rows, if rows of an output do that: rows are the positions along the first axis of all
 * inputs, and of all outputs. Undefined where each row of an output reads its own alone.
 */
export function whereRowsMix(graph: Graph): Origin | undefined {
  const { reads, rows, output } = mixedOutput(graph);
  if (output === undefined) return undefined;
  const byId = valuesById(graph);
  let blamed = byId(output);
  for (;;) {
    if (blamed.kind !== "op") throw new Error(`dependence: rows of graph ${graph.name} mix in what is no op`);
    const earlier = blamed.inputs.find((id) => !ownRows(reads.get(id), rows));
    if (earlier === undefined) return blamed.origin;
    blamed = byId(earlier);
  }
}

/** Whether that is so, told of a graph where calls are left out; false may be wrong. */
export function rowsKeepApart(graph: Graph, standIns: ReadonlyMap<ValueId, StandIn>): boolean {
  return mixedOutput(graph, standIns).output === undefined;
}

function mixedOutput(graph: Graph, standIns?: ReadonlyMap<ValueId, StandIn>) {
  const inputs = graph.values.filter((value) => value.kind === "input" && !standIns?.has(value.id)) as InputValue[];
  const rows = inputs[0]?.type.shape[0] ?? 1;
  const reads = readsAlong(graph, new Map(inputs.map(({ name }) => [name, 0])), standIns);
  const output = graph.outputs.find(({ value }) => {
    const found = reads.get(value);
    // Of frames, a row may have several in the place of one.
    return found !== undefined && !(ownRows(found, rows) && found.placed?.axis === 0 && found.placed.before === 1);
  });
  return { reads, rows, output: output?.value };
}

/** Wherever they lie. */
function ownRows(reads: Reads | undefined, rows: number): boolean {
  return reads === undefined || (reads.placed?.length === rows && samePace(reads.placed.pace, still));
}

function kindAlong({ within, placed }: Reads, axis: number | undefined, size: number): Dependence {
  if (placed === undefined || placed.axis !== axis || placed.before !== 1) return kindOf(paceOf(within, still, size), size, size);
  const { pace, length } = unfolded(placed);
  return kindOf(pace, size, length);
}

/** Of `length` positions that read `size`. */
function kindOf({ rows, per, low, high }: Pace, size: number, length: number): Dependence {
  const firstAlone = (length - 1) * rows === (size - 1) * per;
  const own = firstAlone ? { low: per - rows, high: per - 1 } : { low: 0, high: rows - 1 };
  if (high > own.high) return "mixed";
  return low < own.low ? "directed" : "independent";
}
