/** For a named axis of a graph's input: which positions along it each position of the output reads, derived from what every op mixes. */

import { type Graph, type OpValue, sizeOf, type TensorType, type ValueId } from "../graph/graph.ts";
import { opEntry } from "../ops/table.ts";

/**
 * How the output's positions along the axis read the input's: each only its own, each those up to its own (figure 3c's
 * "directed"), or any; `none` when the output does not read the input, or has lost the axis.
 */
export type Dependence = "none" | "independent" | "directed" | "mixed";

/** Where the axis lies within a value: position p is index (…·size + p)·after + … of dimension `axis`, after `before` outer copies. */
interface Placed {
  readonly kind: "independent" | "directed";
  readonly axis: number;
  readonly before: number;
  readonly after: number;
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
    if (value.id === source.id) states.set(value.id, { kind: "independent", axis, before: 1, after: 1 });
    else if (value.kind !== "op") states.set(value.id, "free");
    else {
      const inputs = value.inputs.map((id) => states.get(id) ?? "mixed");
      const shapes = value.inputs.map((id) => types.get(id)?.shape ?? []);
      states.set(value.id, transfer(value, inputs, shapes, size));
    }
  }
  const results = graph.outputs.map((output) => states.get(output.value) ?? "mixed");
  const kinds = results.map((state): Dependence => (state === "free" ? "none" : state === "mixed" ? "mixed" : state.kind));
  const order: readonly Dependence[] = ["none", "independent", "directed", "mixed"];
  return kinds.reduce((worst, kind) => (order.indexOf(kind) > order.indexOf(worst) ? kind : worst), "none");
}

function transfer(op: OpValue, inputs: readonly State[], shapes: readonly (readonly number[])[], size: number): State {
  if (inputs.every((state) => state === "free")) return "free";
  if (inputs.includes("mixed")) return "mixed";
  if (op.op === "reshape") return reshaped(inputs[0] as Placed, shapes[0] ?? [], op.type.shape, size);
  if (op.op === "transpose") {
    const place = inputs[0] as Placed;
    return { ...place, axis: op.attributes.permutation.indexOf(place.axis) };
  }
  // The table of an embedding is free, and its result has the tokens' axes before the new one.
  const joined = join(inputs, shapes, op.type.shape);
  if (joined === "free" || joined === "mixed") return joined;
  const mixes = opEntry(op.op).mixes(shapes, op.attributes);
  const along = mixes.find((mix) => mix.axis === joined.axis);
  if (along === undefined) return joined;
  // A directed op keeps the direction only where the dimension is the axis alone, in order.
  return along.directed && joined.before === 1 && joined.after === 1 ? { ...joined, kind: "directed" } : "mixed";
}

/** Several inputs agree on where the axis is, or all is lost; an input that does not read the source has no say. */
function join(inputs: readonly State[], shapes: readonly (readonly number[])[], result: readonly number[]): State {
  let joined: Placed | undefined;
  for (const [i, state] of inputs.entries()) {
    if (state === "free") continue;
    if (state === "mixed") return "mixed";
    // Stretching an axis that holds positions would read one of them everywhere.
    const shape = shapes[i] ?? [];
    if (shape[state.axis] !== result[state.axis]) return "mixed";
    if (joined !== undefined && (joined.axis !== state.axis || joined.before !== state.before || joined.after !== state.after))
      return "mixed";
    joined = joined?.kind === "directed" ? joined : state;
  }
  return joined ?? "free";
}

/** Follows the axis through a reshape: it must end up within one dimension. */
function reshaped(place: Placed, from: readonly number[], to: readonly number[], size: number): State {
  const outer = sizeOf(from.slice(0, place.axis)) * place.before;
  let before = 1;
  for (const [axis, dimension] of to.entries()) {
    const through = before * dimension;
    if (outer % before === 0 && through % (outer * size) === 0 && through >= outer * size) {
      return { kind: place.kind, axis, before: outer / before, after: through / (outer * size) };
    }
    before = through;
  }
  return "mixed";
}
