/** Reports and comparisons to plain data, for `--json`. */

import type { GraphCost, Share } from "../../compiler/analysis/cost.ts";
import { type Comparison, type GraphPair, type Pair, ratioOf } from "./comparison.ts";
import type { GraphDependence } from "./dependences.ts";
import type { Side } from "./side.ts";

export function reportData(side: Side, dependences: ReadonlyMap<string, GraphDependence>): unknown {
  const graphs = [...side.graphs].map(([name, cost]) => [name, { ...graphData(cost), ...dependences.get(name) }]);
  return { ...choicesData(side), graphs: Object.fromEntries(graphs), clip: side.clip ?? null };
}

/** Each side as its own report has it, less what only the one model tells; then ratios of A to B, and each pair of graphs where they differ. */
export function comparisonData(
  a: Side,
  b: Side,
  { call, clip, graphs }: Comparison,
  files: { readonly a: string; readonly b: string },
): unknown {
  return {
    a: { file: files.a, ...sideData(a) },
    b: { file: files.b, ...sideData(b) },
    ratios: {
      call: ratios(call, (cost) => cost),
      clip: ratios(clip, (cost) => cost),
    },
    graphs: graphs.map(pairData),
  };
}

function sideData(side: Side): { readonly [name: string]: unknown } {
  const graphs = [...side.graphs].map(([name, cost]) => [name, graphData(cost)]);
  return { ...choicesData(side), call: side.called ?? null, graphs: Object.fromEntries(graphs), clip: side.clip ?? null };
}

function choicesData({ expanded, choices }: Side): { readonly [name: string]: unknown } {
  const { preset = null, ablations = [], settings = {}, precision } = choices;
  return { model: expanded.name, preset, ablations, settings, precision };
}

function graphData({ by, ...cost }: GraphCost): { readonly [name: string]: unknown } {
  return { ...cost, blocks: by.path.map(({ name, ...share }) => ({ path: name, ...share })), declaredBlocks: by.block, ops: by.op };
}

const compared = ["parameters", "flops", "activationBytes", "weightBytes"] as const;

function ratios<T>(pair: Pair<T>, figures: (side: T) => { readonly [F in (typeof compared)[number]]: number }): unknown {
  return Object.fromEntries(compared.map((name) => [name, ratioOf(pair, (side) => figures(side)[name]) ?? null]));
}

function pairData({ names, path, same, block, op }: GraphPair): unknown {
  const rows = (list: readonly (Pair<Share> & { readonly name: string })[]) =>
    list.map((row) => ({
      name: row.name,
      a: costData(row.a),
      b: costData(row.b),
      flopsRatio: ratioOf(row, (share) => share.flops) ?? null,
    }));
  return { a: names.a ?? null, b: names.b ?? null, blocks: rows(path), same, declaredBlocks: rows(block), ops: rows(op) };
}

function costData(share: Share | undefined): unknown {
  return share === undefined ? null : { parameters: share.parameters, tensors: share.tensors, flops: share.flops };
}
