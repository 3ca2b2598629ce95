/** For a named axis of a graph's input: which positions along it each position of the output reads, derived from what every op mixes. */

import { type Graph, type OpValue, sizeOf, type TensorType, type ValueId } from "../graph/graph.ts";
import type { Mix } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";

/**
 * How the output's positions along the axis read the input's: each only its own, each those up to its own (figure 3c's
 * "directed"), or any; `none` when the output does not read the input, or has lost the axis.
 */
export type Dependence = "none" | "independent" | "directed" | "mixed";

/**
 * Where the axis lies within a value: place q of its `size` is index (…·size + q)·after + … of dimension `axis`, after
 * `before` outer copies. It reads the input's position q - behind, or if directed those up to it, as far as there are such.
 */
interface Placed {
  readonly kind: "independent" | "directed";
  readonly axis: number;
  readonly before: number;
  readonly size: number;
  readonly after: number;
  readonly behind: number;
}

type State = "free" | "mixed" | Placed;

/** What the output reads along dimension `axis` of the input, whatever the values are: a law of the graph, not a measurement. */
export function dependenceAlong(graph: Graph, input: string, axis: number): Dependence {
  const source = graph.values.find((value) => value.kind === "input" && value.name === input);
  const size = source?.type.shape[axis];
  if (source === undefined || size === undefined) throw new Error(`dependence: graph ${graph.name} has no axis ${axis} of ${input}`);
  const states = new Map<ValueId, State>();
  const types = new Map<ValueId, TensorType>();
  for (const value of graph.values) {
    types.set(value.id, value.type);
    if (value.id === source.id) states.set(value.id, { kind: "independent", axis, before: 1, size, after: 1, behind: 0 });
    else if (value.kind !== "op") states.set(value.id, "free");
    else {
      const inputs = value.inputs.map((id) => states.get(id) ?? "mixed");
      const shapes = value.inputs.map((id) => types.get(id)?.shape ?? []);
      states.set(value.id, transfer(value, inputs, shapes));
    }
  }
  const results = graph.outputs.map((output) => states.get(output.value) ?? "mixed");
  const kinds = results.map((state) => dependenceOf(state, size));
  const order: readonly Dependence[] = ["none", "independent", "directed", "mixed"];
  return kinds.reduce((worst, kind) => (order.indexOf(kind) > order.indexOf(worst) ? kind : worst), "none");
}

/** Of a result: what is moved forward reads what is ahead of it, and what has lost or won places is no more the axis. */
function dependenceOf(state: State, size: number): Dependence {
  if (state === "free") return "none";
  if (state === "mixed" || state.size !== size || state.behind < 0) return "mixed";
  return state.behind === 0 ? state.kind : "directed";
}

function transfer(op: OpValue, inputs: readonly State[], shapes: readonly (readonly number[])[]): State {
  if (inputs.every((state) => state === "free")) return "free";
  if (inputs.includes("mixed")) return "mixed";
  if (op.op === "reshape") return reshaped(inputs[0] as Placed, shapes[0] ?? [], op.type.shape);
  if (op.op === "transpose") {
    const place = inputs[0] as Placed;
    return { ...place, axis: op.attributes.permutation.indexOf(place.axis) };
  }
  // The table of an embedding is free, and its result has the tokens' axes before the new one.
  const mixes = opEntry(op.op).mixes(shapes, op.attributes);
  const joined = join(inputs.map((state, i) => carried(state, i, shapes[i] ?? [], op.type.shape, mixes)));
  if (joined === "free" || joined === "mixed") return joined;
  const along = mixes.find((mix) => mix.axis === joined.axis);
  if (along === undefined || along.behind !== undefined) return joined;
  // A directed op keeps the direction only where the dimension is the axis alone, in order.
  return along.directed && isAlone(joined) ? { ...joined, kind: "directed" } : "mixed";
}

function isAlone({ before, after }: Placed): boolean {
  return before === 1 && after === 1;
}

/** An input's axis as the result has it: where it was, or moved by so many places. */
function carried(state: State, input: number, shape: readonly number[], result: readonly number[], mixes: readonly Mix[]): State {
  if (state === "free" || state === "mixed") return state;
  const behind = mixes.find((mix) => mix.axis === state.axis)?.behind?.[input];
  const size = result[state.axis];
  // Stretching an axis that holds positions would read one of them everywhere.
  if (behind === undefined || size === undefined) return shape[state.axis] === size ? state : "mixed";
  return isAlone(state) ? { ...state, size, behind: state.behind + behind } : "mixed";
}

/** Several inputs agree on where the axis is, or all is lost; an input that does not read the source has no say. */
function join(inputs: readonly State[]): State {
  let joined: State = "free";
  for (const state of inputs) {
    if (joined === "mixed" || state === "free") continue;
    joined = joined === "free" || state === "mixed" ? state : both(joined, state);
  }
  return joined;
}

/** What reads two positions reads none beyond the later of them. */
function both(one: Placed, two: Placed): State {
  const sameAxis = one.axis === two.axis && one.before === two.before && one.size === two.size && one.after === two.after;
  if (!sameAxis) return "mixed";
  const kind = one.behind === two.behind && one.kind === two.kind ? one.kind : "directed";
  return { ...one, kind, behind: Math.min(one.behind, two.behind) };
}

/** Follows the axis through a reshape: it must end up within one dimension. */
function reshaped(place: Placed, from: readonly number[], to: readonly number[]): State {
  const { size } = place;
  const outer = sizeOf(from.slice(0, place.axis)) * place.before;
  let before = 1;
  for (const [axis, dimension] of to.entries()) {
    const through = before * dimension;
    if (outer % before === 0 && through % (outer * size) === 0 && through >= outer * size) {
      return { ...place, axis, before: outer / before, after: through / (outer * size) };
    }
    before = through;
  }
  return "mixed";
}
