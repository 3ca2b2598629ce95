/** A differentiated graph to one that keeps less: what parts of the forward pass made is computed again, from what they read, where the backward pass comes to them (Chen et al., 2016). */

import { peakBytes } from "../analysis/cost.ts";
import type { Graph, OpValue, Value, ValueId } from "../graph/graph.ts";
import type { OpName } from "../graph/op-names.ts";
import { inputAt } from "../ops/rules.ts";
import { GraphBuilder } from "../rewriting/builder.ts";

/** What an op of the forward pass belongs to; undefined where its result is kept. Ops one after another that belong to the same are a part. */
export type PartOf = (op: OpValue) => string | undefined;

/** Calls of blocks; those of depth 1 are what the graph itself calls. */
export function callsAt(depth: number): PartOf {
  return ({ origin: { expandedFrom } }) => {
    const calls = expandedFrom.slice(-depth);
    return calls.length < depth ? undefined : calls.map(({ block, span }) => `${block} ${span.file} ${span.start}`).join();
  };
}

/**
 * The blocks of the graph computed again, at the depth of calls that leaves the least in memory at once, which costs up to a second forward pass; the graph itself where
 * no depth leaves less than a tenth less.
 */
export function recomputeBlocks(graph: Graph): Graph {
  const deepest = graph.values.reduce((most, value) => Math.max(most, value.kind === "op" ? value.origin.expandedFrom.length : 0), 0);
  const tried = Array.from({ length: deepest }, (_, i) => recompute(graph, callsAt(i + 1))).map((made) => ({
    made,
    bytes: peakBytes(made),
  }));
  const [best] = tried.sort((a, b) => a.bytes - b.bytes);
  return best !== undefined && best.bytes <= 0.9 * peakBytes(graph) ? best.made : graph;
}

const cheap: readonly OpName[] = [
  "groupNorm",
  "layerNorm",
  "rmsNorm",
  "silu",
  "gelu",
  "quickGelu",
  "relu",
  "sigmoid",
  "tanh",
  "geglu",
  "upsample",
];

/** Norms and functions of elements, which cost little beside the products that read them. */
export const cheapOps: PartOf = ({ op }) => (cheap.includes(op) ? "cheap" : undefined);

/**
 * Computes the same numbers, of what `differentiate` gives: a graph whose first output is the loss, from which it went back.
 * What one part reads of another is kept; so is the last part, with which the backward pass begins.
 */
export function recompute(graph: Graph, partOf: PartOf): Graph {
  const ops = graph.values.filter((value) => value.kind === "op");
  const forward = ancestorsOf(ops, inputAt(graph.outputs, 0).value);
  const parts = partsOf(
    ops.filter(({ id }) => forward.has(id)),
    partOf,
  );
  const wanted = wantedAgain(ops, forward, parts);
  const byPart = new Map<number, OpValue[]>();
  for (const op of ops) {
    const part = wanted.has(op.id) ? parts.get(op.id) : undefined;
    if (part !== undefined) byPart.set(part, [...(byPart.get(part) ?? []), op]);
  }

  const builder = new GraphBuilder(1 + graph.values.reduce((most, { id }) => Math.max(most, id), -1));
  const byId = new Map(graph.values.map((value) => [value.id, value]));
  const again = new Map<ValueId, ValueId>();
  let latest: ValueId | undefined;
  for (const value of graph.values) {
    if (value.kind !== "op" || forward.has(value.id)) {
      builder.keep(value);
      continue;
    }
    for (const id of value.inputs) {
      if (latest === undefined || !wanted.has(id) || again.has(id)) continue;
      computeAgain(builder, byPart.get(parts.get(id) ?? -1) ?? [], byId, latest, again);
    }
    latest = builder.keep({ ...value, inputs: value.inputs.map((id) => again.get(id) ?? id) });
  }
  return builder.finish(graph.name, graph.outputs);
}

/** The ops that a value is made of, itself among them. */
function ancestorsOf(ops: readonly OpValue[], id: ValueId): ReadonlySet<ValueId> {
  const made = new Set([id]);
  for (const op of [...ops].reverse()) if (made.has(op.id)) for (const input of op.inputs) made.add(input);
  return new Set(ops.filter((op) => made.has(op.id)).map((op) => op.id));
}

/** The number of each op's part. */
function partsOf(forward: readonly OpValue[], partOf: PartOf): ReadonlyMap<ValueId, number> {
  const parts = new Map<ValueId, number>();
  let [open, number] = [undefined as string | undefined, 0];
  for (const op of forward) {
    const part = partOf(op);
    if (part !== open) number++;
    open = part;
    if (part !== undefined) parts.set(op.id, number);
  }
  return parts;
}

/** What is computed again: what the backward pass reads of a part, and what that is made of within the part. */
function wantedAgain(ops: readonly OpValue[], forward: ReadonlySet<ValueId>, parts: ReadonlyMap<ValueId, number>): ReadonlySet<ValueId> {
  const last = [...parts.values()].reduce((most, part) => Math.max(most, part), -1);
  const kept = new Set([...parts].flatMap(([id, part]) => (part === last ? [id] : [])));
  for (const op of ops) {
    const part = forward.has(op.id) ? parts.get(op.id) : undefined;
    if (part === undefined) continue;
    for (const id of op.inputs) if (parts.get(id) !== part) kept.add(id);
  }
  // A view of what is kept is as good as kept.
  for (const op of ops) if (op.op === "reshape" && op.inputs.every((id) => kept.has(id) || !parts.has(id))) kept.add(op.id);
  const wanted = new Set<ValueId>();
  const want = (id: ValueId) => {
    if (parts.has(id) && !kept.has(id)) wanted.add(id);
  };
  for (const op of [...ops].reverse()) if (!forward.has(op.id) || wanted.has(op.id)) op.inputs.forEach(want);
  return wanted;
}

/** The ops of a part once more, from what they read of others, which is taken `after` the backward pass has come so far: engines would else compute them at once, or not twice. */
function computeAgain(
  builder: GraphBuilder,
  part: readonly OpValue[],
  byId: ReadonlyMap<ValueId, Value>,
  gate: ValueId,
  again: Map<ValueId, ValueId>,
): void {
  const gated = new Map<ValueId, ValueId>();
  for (const op of part) {
    const inputs = op.inputs.map((id) => {
      const value = byId.get(id);
      const isData = value?.kind === "op" || value?.kind === "input";
      if (again.has(id) || !isData || value.type.dtype === "i32") return again.get(id) ?? id;
      const made = gated.get(id) ?? builder.op("after", [id, gate], {}, op.origin);
      gated.set(id, made);
      return made;
    });
    again.set(op.id, builder.op(op.op, inputs, op.attributes, op.origin, op.type));
  }
}
