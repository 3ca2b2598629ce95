/** A comparison to tables for people: a call and a clip side by side, then for each pair of graphs what differs and where it goes. */

import pc from "picocolors";
import type { Cost } from "../../compiler/analysis/cost.ts";
import { table } from "../table.ts";
import { type Comparison, type GraphPair, type Pair, ratioOf } from "./comparison.ts";
import { type Cut, cutHeads, cuts, overlap, shownCount, shownGiga, shownMebi, shownRatio } from "./figures.ts";

/** `titles` say which files and choices A and B are; without `by`, the graphs' shares are cut each way. */
export function printedComparison(comparison: Comparison, titles: { readonly a: string; readonly b: string }, by: Cut | undefined): string {
  const heads = [`${pc.bold("A")}  ${titles.a}`, `${pc.bold("B")}  ${titles.b}`, ""];
  const graphs = comparison.graphs.map((pair) => printedPair(pair, by === undefined ? cuts : [by]));
  return [...heads, ...totals(comparison), "", ...graphs].join("\n");
}

const head = ["", "A", "B", "A / B"];

function totals({ call, clip }: Comparison): readonly string[] {
  const ofCall = figures(call, [
    ["parameters", (cost) => cost.parameters, shownCount],
    ["GFLOP", (cost) => cost.flops, shownGiga],
    ["activations alive at most, MiB", (cost) => cost.activationBytes, shownMebi],
    ["weights, MiB", (cost) => cost.weightBytes, shownMebi],
  ]);
  const ofClip = figures(clip, [
    ["steps", (cost) => cost.steps, shownCount],
    ["evaluations a step", (cost) => cost.evaluations, shownCount],
    ["parameters", (cost) => cost.parameters, shownCount],
    ["GFLOP", (cost) => cost.flops, shownGiga],
    ["GFLOP of the steps", (cost) => cost.flopsOf.steps, shownGiga],
    ["GFLOP of encoders", (cost) => cost.flopsOf.encoders, shownGiga],
    ["GFLOP of the frames", (cost) => cost.flopsOf.frames, shownGiga],
    ["activations alive at most, MiB", (cost) => cost.activationBytes, shownMebi],
    ["weights, MiB", (cost) => cost.weightBytes, shownMebi],
  ]);
  return table(head, [...section("a call", ofCall), ...section("a clip", ofClip)], { total: false });
}

/** Nothing where neither side has it. */
function section(title: string, rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return rows.length === 0 ? [] : [[title], ...rows.map(([name = "", ...cells]) => [`  ${name}`, ...cells])];
}

type Figure<T> = readonly [name: string, of: (side: T) => number, shown: (figure: number) => string];

function figures<T>(pair: Pair<T>, list: readonly Figure<T>[]): string[][] {
  if (pair.a === undefined && pair.b === undefined) return [];
  return list.map(([name, of, shown]) => {
    const cell = (side: T | undefined) => (side === undefined ? "-" : shown(of(side)));
    return [name, cell(pair.a), cell(pair.b), shownRatio(ratioOf(pair, of))];
  });
}

function printedPair(pair: GraphPair, by: readonly Cut[]): string {
  const { a, b, names } = pair;
  const name = names.a === names.b ? names.a : [names.a, names.b].filter((one) => one !== undefined).join(" / ");
  const title = pc.bold(name ?? "");
  const only = a ?? b;
  if (only !== undefined && (a === undefined || b === undefined)) {
    const costs = `${shownCount(only.parameters)} parameters, ${shownGiga(only.flops)} GFLOP`;
    return `${title}: only in ${a === undefined ? "B" : "A"}, ${costs}\n`;
  }
  if (pair.path.length === 0) return `${title}: costs the same in both, block by block\n`;
  return by.flatMap((cut) => [title, ...cutTable(pair, name ?? "", cut), ""]).join("\n");
}

function cutTable(pair: GraphPair, name: string, cut: Cut): readonly string[] {
  const rows = pair[cut].map((row) => costRow(row.name || "(unlabelled)", row));
  const { same } = pair;
  if (cut === "path" && same.rows > 0) rows.push(costRow(`equal in both: ${same.rows}`, { a: same, b: same }));
  const heads = [cutHeads[cut], "parameters A", "B", "GFLOP A", "B", "A / B"];
  const lines = table(heads, [...rows, costRow(`${name}, in all`, pair)]);
  return cut === "block" && rows.length > 1 ? [...lines, pc.dim(overlap)] : lines;
}

/** The ratio is of operations. */
function costRow(name: string, pair: Pair<Pick<Cost, "parameters" | "flops">>): string[] {
  const cells = (shown: (cost: Pick<Cost, "parameters" | "flops">) => string) =>
    [pair.a, pair.b].map((cost) => (cost === undefined ? "-" : shown(cost)));
  const parameters = cells((cost) => shownCount(cost.parameters));
  return [name, ...parameters, ...cells((cost) => shownGiga(cost.flops)), shownRatio(ratioOf(pair, (cost) => cost.flops))];
}
