/** A graph to JSON and back, as packages carry it: with each op's weight path and source position, so that a wrong number can be traced to a line. */

import type { Graph, OpValue, Value } from "../graph/graph.ts";
import { verify } from "./verify.ts";

/** What blocks a value was expanded from stays behind: the path says it, and it would be most of the file. So do names of weights' axes: checkpoints are read before. */
export function serialiseGraph(graph: Graph): string {
  const values = graph.values.map((value) => {
    if (value.kind === "op") return { ...value, origin: { path: value.origin.path, span: value.origin.span } };
    return value.kind === "weight" ? { ...value, axes: undefined } : value;
  });
  return `${JSON.stringify({ name: graph.name, outputs: graph.outputs, values })}\n`;
}

/** Throws where the text is not a graph of this compiler. */
export function parseGraph(text: string): Graph {
  const graph = JSON.parse(text) as { name: string; outputs: Graph["outputs"]; values: Value[] };
  const values = graph.values.map((value): Value => (value.kind === "op" ? withOrigin(value) : value));
  return verify({ ...graph, values }, "parse");
}

function withOrigin(value: OpValue): OpValue {
  return { ...value, origin: { ...value.origin, expandedFrom: [] } };
}
