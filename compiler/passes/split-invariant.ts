/** Splits a looped graph in two: `prepare` computes what no step changes, `step` reads it and computes the rest. */

import { type Graph, type InputValue, type OpValue, type Value, type ValueId, valuesById } from "../graph/graph.ts";
import { removeDeadCode } from "./dead-code.ts";

export interface Split {
  /** Undefined where nothing is invariant but inputs and weights. */
  readonly prepare: Graph | undefined;
  readonly step: Graph;
}

/** `varying` names the inputs that change from step to step. */
export function splitInvariant(graph: Graph, varying: readonly string[], names: { prepare: string; step: string }): Split {
  const byId = valuesById(graph);
  const kinds = new Map<ValueId, "weights" | "invariant" | "varying">();
  for (const value of graph.values) kinds.set(value.id, kindOf(value, varying, kinds));

  const frontier = new Set<ValueId>();
  for (const value of graph.values) {
    if (value.kind !== "op" || kinds.get(value.id) !== "varying") continue;
    for (const id of value.inputs) if (kinds.get(id) === "invariant" && byId(id).kind === "op") frontier.add(id);
  }

  const taken = namesIn(graph);
  const outputs: { name: string; value: ValueId; axes: readonly string[] }[] = [];
  const replacements = new Map<ValueId, InputValue>();
  for (const id of frontier) {
    const value = byId(id);
    const name = uniqueName(ownerPath(value, byId), taken);
    const axes = value.type.shape.map(String);
    outputs.push({ name, value: id, axes });
    replacements.set(id, { kind: "input", id, type: value.type, name, axes });
  }
  const isInvariant = (value: Value) => kinds.get(value.id) !== "varying";
  const prepare: Graph = { name: names.prepare, values: graph.values.filter(isInvariant), outputs };
  const step: Graph = {
    name: names.step,
    values: graph.values.map((value) => replacements.get(value.id) ?? value),
    outputs: graph.outputs,
  };
  return {
    prepare: frontier.size === 0 ? undefined : dropUnreadInputs(removeDeadCode(prepare), []),
    step: dropUnreadInputs(removeDeadCode(step), varying),
  };
}

/** The names that a graph is called by: what is prepared gets one of its own. No weight is named as the op that owns it. */
function namesIn(graph: Graph): Set<string> {
  const inputs = graph.values.flatMap((value) => (value.kind === "input" ? [value.name] : []));
  return new Set([...inputs, ...graph.outputs.map((output) => output.name)]);
}

function kindOf(value: Value, varying: readonly string[], kinds: ReadonlyMap<ValueId, string>) {
  switch (value.kind) {
    case "weight":
    case "constant":
      return "weights";
    case "input":
      return varying.includes(value.name) ? "varying" : "invariant";
    case "op": {
      const inputs = value.inputs.map((id) => kinds.get(id));
      return inputs.includes("varying") ? "varying" : inputs.includes("invariant") ? "invariant" : "weights";
    }
  }
}

/** The path of the op with weights that a value was made by: what a reader of the profile knows it as. */
function ownerPath(value: Value, byId: (id: ValueId) => Value): string {
  let current: Value = value;
  while (current.kind === "op") {
    const op: OpValue = current;
    if (op.inputs.some((id) => byId(id).kind === "weight") || op.inputs[0] === undefined) return op.origin.path;
    current = byId(op.inputs[0]);
  }
  return current.kind === "input" ? current.name : "prepared";
}

function uniqueName(path: string, taken: Set<string>): string {
  let name = path;
  for (let copy = 2; taken.has(name); copy++) name = `${path}.${copy}`;
  taken.add(name);
  return name;
}

/** Inputs that only the other part reads are no part's; the varying ones stay, as they are the step's signature. */
function dropUnreadInputs(graph: Graph, varying: readonly string[]): Graph {
  const read = new Set([
    ...graph.values.flatMap((value) => (value.kind === "op" ? value.inputs : [])),
    ...graph.outputs.map(({ value }) => value),
  ]);
  return { ...graph, values: graph.values.filter((value) => value.kind !== "input" || read.has(value.id) || varying.includes(value.name)) };
}
