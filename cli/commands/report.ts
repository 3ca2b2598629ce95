/** `mvc report`: what a model's graphs cost, as tables for people or JSON for programs. */

import pc from "picocolors";
import { expandModel } from "../../compiler/compile.ts";
import { costOf, type GraphCost } from "../../compiler/cost.ts";
import { printDiagnostics, soundProgram } from "../program.ts";
import type { Outcome } from "../terminal.ts";
import { choicesOf, type ChoiceOptions } from "./build.ts";

export interface ReportOptions extends ChoiceOptions {
  readonly depth: number;
  readonly json?: true;
}

export function report(file: string, options: ReportOptions): Outcome {
  const sound = soundProgram(file);
  if (sound === undefined) return "mistake";
  const expanded = expandModel(sound.program, choicesOf(options));
  if (!("configuration" in expanded)) {
    printDiagnostics(expanded, sound.texts);
    return "mistake";
  }
  const graphs = new Map([...expanded.graphs].map(([name, graph]) => [name, costOf(graph, options.depth)]));
  if (options.json) {
    const choices = { preset: options.preset ?? null, ablations: options.ablation ?? [], precision: options.precision };
    const model = expanded.configuration.model.name.name;
    process.stdout.write(`${JSON.stringify({ model, ...choices, graphs: Object.fromEntries(graphs) }, null, 2)}\n`);
  } else process.stdout.write([...graphs].map(([name, cost]) => table(name, cost)).join("\n"));
  return "done";
}

function table(name: string, cost: GraphCost): string {
  const rows = cost.blocks.map((block) => [block.path || "(unlabelled)", ...figures(block)]);
  const total = [`${name}, in all`, ...figures(cost)];
  const head = ["block", "parameters", "tensors", "GFLOP"];
  const widths = head.map((_, column) => Math.max(...[head, ...rows, total].map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  const memory = `activations: ${(cost.activationBytes / 2 ** 20).toFixed(1)} MiB alive at most, ${cost.nodes} nodes as written`;
  return [pc.bold(name), pc.dim(line(head)), ...rows.map(line), pc.bold(line(total)), memory, ""].join("\n");
}

function figures(cost: { readonly parameters: number; readonly tensors: number; readonly flops: number }): string[] {
  return [cost.parameters.toLocaleString("en"), String(cost.tensors), (cost.flops / 1e9).toFixed(2)];
}
