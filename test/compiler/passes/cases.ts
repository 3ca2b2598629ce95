// Seeds to random graphs with numbers and what they compute, and a complaint about one to a failure that prints its smallest part.

import type { Graph } from "../../../compiler/graph/graph.ts";
import { printGraph } from "../../../compiler/graph/print.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";
import { patternGraph } from "./patterns.ts";
import { type Given, numbersOf, type Outputs, outputsOf, shrunk } from "./same-numbers.ts";

export interface Case {
  readonly seed: number;
  readonly graph: Graph;
  readonly given: Given;
  readonly expected: Outputs;
}

/** Seeds count from 0. */
export function patternCases(count: number): readonly Case[] {
  return Array.from({ length: count }, (_, seed) => {
    const graph = verify(patternGraph(seed), `seed ${seed}`);
    const given = numbersOf(graph);
    return { seed, graph, given, expected: outputsOf(graph, given) };
  });
}

/** What is wrong with a graph, if anything is; `given` and `expected` are known of the cases, not of their parts. */
export type Check = (graph: Graph, given?: Given, expected?: Outputs) => string | undefined;

export function expectNoComplaint(check: Check, { seed, graph, given, expected }: Case): void {
  const found = check(graph, given, expected);
  if (found === undefined) return;
  const smallest = shrunk(graph, (smaller) => check(smaller) !== undefined);
  throw new Error(`seed ${seed}: ${found}\nin small: ${check(smallest)}\n${printGraph(smallest)}`);
}
