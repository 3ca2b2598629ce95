/** One side of a report to tables for people: a graph after the other, and a clip. */

import pc from "picocolors";
import type { ClipCost } from "../../compiler/analysis/clip-cost.ts";
import type { Cost, GraphCost } from "../../compiler/analysis/cost.ts";
import { table } from "../table.ts";
import { type GraphDependence, shownAxis } from "./dependences.ts";
import { type Cut, cutHeads, overlap, shownCount, shownGiga, shownMebi } from "./figures.ts";

export function printedGraph(name: string, cost: GraphCost, along: GraphDependence | undefined, by: Cut): string {
  const rows = cost.by[by].map((share) => [share.name || "(unlabelled)", ...figures(share)]);
  const lines = table([cutHeads[by], "parameters", "tensors", "GFLOP"], [...rows, [`${name}, in all`, ...figures(cost)]]);
  const notes = by === "block" && rows.length > 1 ? [pc.dim(overlap)] : [];
  const memory = `${shownMemory(cost)}, ${cost.nodes} nodes as written`;
  const kinds = along === undefined ? [] : Object.keys(along.dependence).map((axis) => shownAxis(axis, along));
  const axes = kinds.length === 0 ? [] : [`axes: ${kinds.join(", ")}`];
  return [pc.bold(name), ...lines, ...notes, memory, ...axes, ""].join("\n");
}

export function printedClip(clip: ClipCost): string {
  const runs = clip.runs === clip.steps ? "" : ` by ${clip.runs} runs`;
  const times = clip.evaluations === 1 ? "" : `, each ${clip.evaluations} evaluations`;
  const work = `${shownCount(clip.parameters)} parameters, ${shownGiga(clip.flops)} GFLOP in ${clip.steps} steps${runs}${times}`;
  return [pc.bold("a clip"), work, shownMemory(clip), ""].join("\n");
}

function shownMemory({ activationBytes, weightBytes }: { readonly activationBytes: number; readonly weightBytes: number }): string {
  return `activations: ${shownMebi(activationBytes)} MiB alive at most, weights: ${shownMebi(weightBytes)} MiB`;
}

function figures(cost: Cost): string[] {
  return [shownCount(cost.parameters), String(cost.tensors), shownGiga(cost.flops)];
}
