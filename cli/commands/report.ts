/** `mvc report`: what a model's graphs cost, as tables for people or JSON for programs. */

import pc from "picocolors";
import { costOf, type GraphCost } from "../../compiler/analysis/cost.ts";
import { type Dependence, dependenceAlong } from "../../compiler/analysis/dependence.ts";
import { expandModel } from "../../compiler/compile.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { printDiagnostics, soundProgram } from "../program.ts";
import { table } from "../table.ts";
import type { Outcome } from "../terminal.ts";

export interface ReportOptions extends ChoiceOptions {
  readonly depth: number;
  readonly json?: true;
}

export function report(file: string, options: ReportOptions): Outcome {
  const sound = soundProgram(file);
  if (sound === undefined) return "mistake";
  const expanded = expandModel(sound.program, choicesOf(options));
  if (!expanded.ok) {
    printDiagnostics(expanded.diagnostics, sound.texts);
    return "mistake";
  }
  const graphs = new Map(
    [...expanded.value.graphs].map(([name, graph]) => [name, { ...costOf(graph, options.depth), dependence: dependenceOf(graph) }]),
  );
  if (options.json) {
    const choices = { preset: options.preset ?? null, ablations: options.ablation ?? [], precision: options.precision };
    const { name: model } = expanded.value;
    process.stdout.write(`${JSON.stringify({ model, ...choices, graphs: Object.fromEntries(graphs) }, null, 2)}\n`);
  } else process.stdout.write([...graphs].map(([name, cost]) => shown(name, cost)).join("\n"));
  return "done";
}

/** For each axis that an input and the result share by name: how a position of the result reads the input's. */
function dependenceOf(graph: Graph): { readonly [axis: string]: Dependence } {
  const results = new Set(graph.outputs.flatMap((output) => output.axes));
  const found: { [axis: string]: Dependence } = {};
  for (const input of graph.values) {
    if (input.kind !== "input") continue;
    for (const [i, axis] of input.axes.entries()) {
      if (results.has(axis) && found[axis] === undefined && !/^\d+$/.test(axis)) found[axis] = dependenceAlong(graph, input.name, i);
    }
  }
  return found;
}

function shown(name: string, cost: GraphCost & { readonly dependence: { readonly [axis: string]: Dependence } }): string {
  const rows = cost.blocks.map((block) => [block.path || "(unlabelled)", ...figures(block)]);
  const lines = table(["block", "parameters", "tensors", "GFLOP"], [...rows, [`${name}, in all`, ...figures(cost)]]);
  const memory = `activations: ${(cost.activationBytes / 2 ** 20).toFixed(1)} MiB alive at most, ${cost.nodes} nodes as written`;
  const along = Object.entries(cost.dependence).map(([axis, dependence]) => `${axis} ${dependence}`);
  const axes = along.length === 0 ? [] : [`axes: ${along.join(", ")}`];
  return [pc.bold(name), ...lines, memory, ...axes, ""].join("\n");
}

function figures(cost: { readonly parameters: number; readonly tensors: number; readonly flops: number }): string[] {
  return [cost.parameters.toLocaleString("en"), String(cost.tensors), (cost.flops / 1e9).toFixed(2)];
}
