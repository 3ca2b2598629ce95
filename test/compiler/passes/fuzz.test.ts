// Every pass of the lists on a thousand random graphs: what a graph computes is the same before and after, and is no more work.

import { expect, test } from "vitest";
import { costOf } from "../../../compiler/analysis/cost.ts";
import { type Graph, type OpValue, sizeOf, type ValueId } from "../../../compiler/graph/graph.ts";
import { printGraph } from "../../../compiler/graph/print.ts";
import { lossPasses, onnxPasses, type Pass, passes, runPasses, trainingPasses } from "../../../compiler/passes/passes.ts";
import { splitInvariant } from "../../../compiler/passes/split-invariant.ts";
import { parseGraph, serialiseGraph } from "../../../compiler/rewriting/serialise.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";
import { Random } from "../../dsl/random.ts";
import { type Check, expectNoComplaint, patternCases } from "./cases.ts";
import { renumbered } from "./patterns.ts";
import { differenceOf, needed, numbersOf, outputsOf } from "./same-numbers.ts";

const graphs = 1000;
/** A pass that changes fewer of them is not tested by them: it wants a pattern in patterns.ts. */
const leastChanged = graphs / 10;

/**
 * How far a number may be off after a pass that computes in another order or with other roundings, in f32, whose roundings
 * are 6e-8 of a number: a few, made up to some hundred times larger by a norm of nearly equal numbers. Others are exact.
 */
const inexact = new Map([
  ["gather-shifts", 1e-4],
  ["lower-composites", 1e-4],
  ["open-gates", 1e-4],
  // The same products added in another order.
  ["turn-transposed", 1e-6],
]);
/** Make several ops of one, or turn weights, which is little work beside what they are for. */
const makesMore: readonly string[] = ["lower-composites", "open-gates", "turn-transposed"];

const cases = patternCases(graphs);

/** Operations and numbers made; what only moves or repeats numbers is no work, as it is to engines. */
function workOf(graph: Graph): number {
  const live = needed(graph);
  const made = live.values.filter(({ kind }) => kind === "op") as OpValue[];
  const computed = made.filter(({ op }) => op !== "reshape" && op !== "transpose" && op !== "broadcast");
  return costOf(live, 1).flops + computed.reduce((sum, { type }) => sum + sizeOf(type.shape), 0);
}

/** What is wrong with a graph's passing through the passes, if anything is. */
const check =
  (list: readonly Pass[]): Check =>
  (graph, given = numbersOf(graph), expected = outputsOf(graph, given)) => {
    try {
      const after = runPasses(graph, list);
      if (list.every(({ name }) => !makesMore.includes(name)) && workOf(after) > workOf(graph))
        return `${workOf(after)} to do, not ${workOf(graph)}`;
      return differenceOf(outputsOf(after, given), expected, Math.max(...list.map(({ name }) => inexact.get(name) ?? 0)));
    } catch (error) {
      return String(error);
    }
  };

const everyPass = [...new Map([...passes, ...onnxPasses, ...lossPasses, ...trainingPasses].map((pass) => [pass.name, pass])).values()];

test.each(everyPass)("$name", (pass) => {
  let changed = 0;
  for (const one of cases) {
    expectNoComplaint(check([pass]), one);
    const after = pass.run(one.graph);
    if (printGraph(after) !== printGraph(one.graph)) changed++;
    // Once is enough: what it makes it leaves alone.
    expect(printGraph(needed(pass.run(after))), `seed ${one.seed}`).toBe(printGraph(needed(after)));
  }
  expect(changed).toBeGreaterThanOrEqual(leastChanged);
});

test("the inexact passes are listed", () => {
  const names = everyPass.map(({ name }) => name);
  expect([...inexact.keys(), ...makesMore].filter((name) => !names.includes(name))).toEqual([]);
});

test.each([
  { name: "all passes that every target wants", list: passes },
  { name: "and then ONNX's", list: [...passes, ...onnxPasses] },
  { name: "and then those of training", list: [...passes, ...lossPasses, ...trainingPasses] },
])("$name, in order", ({ list }) => {
  for (const one of cases) expectNoComplaint(check(list), one);
});

/** The names of the inputs that each value depends on. */
function dependencesOf(graph: Graph): (id: ValueId) => ReadonlySet<string> {
  const known = new Map<ValueId, ReadonlySet<string>>();
  const of = (id: ValueId) => known.get(id) ?? new Set<string>();
  for (const value of graph.values) {
    const names = value.kind === "input" ? [value.name] : value.kind === "op" ? value.inputs.flatMap((id) => [...of(id)]) : [];
    known.set(value.id, new Set(names));
  }
  return of;
}

/** The op's results that what varies reads, and that only inputs which do not vary change. */
function invariantReads(graph: Graph, varying: readonly string[]): readonly ValueId[] {
  const dependences = dependencesOf(graph);
  const varies = (id: ValueId) => varying.some((name) => dependences(id).has(name));
  const read = graph.values.flatMap((value) => (value.kind === "op" && varies(value.id) ? value.inputs : []));
  const ops = new Set(graph.values.flatMap(({ kind, id }) => (kind === "op" ? [id] : [])));
  return read.filter((id) => ops.has(id) && !varies(id) && dependences(id).size > 0);
}

/** The names that an ONNX model has of a graph, in one space. */
function namesOf(graph: Graph): { readonly inputs: readonly string[]; readonly all: readonly string[] } {
  const inputs = graph.values.flatMap((value) => (value.kind === "input" ? [value.name] : []));
  const weights = graph.values.flatMap((value) => (value.kind === "weight" ? [value.path] : []));
  return { inputs, all: [...inputs, ...weights, ...graph.outputs.map(({ name }) => name)] };
}

const checkSplit =
  (varying: readonly string[]): Check =>
  (graph, given = numbersOf(graph), expected = outputsOf(graph, given)) => {
    try {
      const split = splitInvariant(graph, varying, { prepare: "prepare", step: "step" });
      const reads = invariantReads(graph, varying);
      const step = verify(split.step, "split");
      if (split.prepare === undefined) return reads.length === 0 ? differenceOf(outputsOf(step, given), expected, 0) : "not split";
      const prepare = verify(split.prepare, "split");
      if (invariantReads(step, varying).length > 0) return "a step computes what no step changes";
      if (prepare.outputs.length !== new Set(reads).size) return `${prepare.outputs.length} prepared, not ${new Set(reads).size}`;
      const names = namesOf(step);
      if (new Set(names.all).size < names.all.length) return `two of one name: ${names.all}`;
      const gone = namesOf(graph).inputs.filter((name) => varying.includes(name) && !names.inputs.includes(name));
      if (gone.length > 0) return `${gone}, which vary, are gone`;
      const prepared = outputsOf(prepare, given);
      return differenceOf(outputsOf(step, { ...given, inputs: new Map([...given.inputs, ...prepared]) }), expected, 0);
    } catch (error) {
      return String(error);
    }
  };

test("split-invariant: what is prepared and a step are the whole", () => {
  let split = 0;
  for (const one of cases) {
    const random = new Random(one.seed);
    const names = one.graph.values.flatMap((value) => (value.kind === "input" && random.below(2) === 0 ? [value.name] : []));
    expectNoComplaint(checkSplit(names), one);
    if (invariantReads(one.graph, names).length > 0) split++;
  }
  expect(split).toBeGreaterThanOrEqual(leastChanged);
});

test("a graph reads back from its text as it was, and its text does not tell its ids", () => {
  let renamed = 0;
  for (const { seed, graph } of cases) {
    const text = serialiseGraph(graph);
    expect(parseGraph(text), `seed ${seed}`).toEqual(graph);
    expect(serialiseGraph(parseGraph(text))).toBe(text);
    const other = renumbered(graph, new Random(seed));
    if (other.values.some(({ id }, i) => id !== graph.values[i]?.id)) renamed++;
    expect(printGraph(other)).toBe(printGraph(graph));
  }
  expect(renamed).toBeGreaterThan(graphs * 0.9);
});
