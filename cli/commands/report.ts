/** `mvc report`: what a model's graphs cost, as tables for people or JSON for programs. */

import pc from "picocolors";
import { costOf, type GraphCost } from "../../compiler/analysis/cost.ts";
import { counterpart, type Dependence, dependenceAlong, worstOf } from "../../compiler/analysis/dependence.ts";
import { type Expanded, expandModel } from "../../compiler/compile.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import type { Program } from "../../dsl/index.ts";
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
  const several = withSeveral(sound.program, choicesOf(options), expanded.value);
  const graphs = new Map(
    [...expanded.value.graphs].map(([name, graph]) => {
      const dependenceByInput = dependencesOf(several.graphs.get(name) ?? graph);
      return [name, { ...costOf(graph, options.depth), dependence: worstByAxis(dependenceByInput), dependenceByInput }];
    }),
  );
  if (options.json) {
    const choices = { preset: options.preset ?? null, ablations: options.ablation ?? [], precision: options.precision };
    const { name: model } = expanded.value;
    process.stdout.write(`${JSON.stringify({ model, ...choices, graphs: Object.fromEntries(graphs) }, null, 2)}\n`);
  } else process.stdout.write([...graphs].map(([name, graph]) => shown(name, graph)).join("\n"));
  return "done";
}

/** The model with two positions along each named axis that has one, where it can have two: nothing mixes with itself. */
function withSeveral(program: Program, choices: Choices, expanded: Expanded): Expanded {
  const inputs = [...expanded.graphs.values()].flatMap(({ values }) => values.filter((value) => value.kind === "input"));
  const single = inputs.flatMap(({ axes, type }) => axes.filter((axis, i) => type.shape[i] === 1 && /^[A-Za-z_]\w*$/.test(axis)));
  let settings = choices.settings ?? {};
  let found = expanded;
  for (const axis of new Set(single)) {
    const enlarged = expandModel(program, { ...choices, settings: { ...settings, [axis]: 2 } });
    if (!enlarged.ok) continue;
    settings = { ...settings, [axis]: 2 };
    found = enlarged.value;
  }
  return found;
}

interface Dependences {
  readonly [axis: string]: Dependence;
}

/**
 * By input, and each axis of several positions that it shares with the result: how a position of the result reads the input's. Where
 * the sizes differ, as `F` and `4 * (F - 1) + 1`, the axis goes by the shorter name.
 */
function dependencesOf(graph: Graph): { readonly [input: string]: Dependences } {
  const inputs = graph.values.filter((value) => value.kind === "input");
  return Object.fromEntries(
    inputs.map((input) => {
      const own: { [axis: string]: Dependence } = {};
      for (const [i, axis] of input.axes.entries()) {
        const names = graph.outputs.flatMap(({ axes }) => axes[counterpart(axis, i, axes) ?? -1] ?? []);
        if (names.length === 0 || !/\D/.test(axis) || input.type.shape[i] === 1) continue;
        const name = [axis, ...names].reduce((shortest, other) => (other.length < shortest.length ? other : shortest));
        own[name] = worstOf([own[name] ?? "none", dependenceAlong(graph, input.name, i)]);
      }
      return [input.name, own];
    }),
  );
}

function worstByAxis(byInput: { readonly [input: string]: Dependences }): Dependences {
  const axes = new Set(Object.values(byInput).flatMap((dependences) => Object.keys(dependences)));
  return Object.fromEntries([...axes].map((axis) => [axis, worstOf(Object.values(byInput).map((own) => own[axis] ?? "none"))]));
}

interface GraphReport extends GraphCost {
  readonly dependence: Dependences;
  readonly dependenceByInput: { readonly [input: string]: Dependences };
}

/** `B mixed (text), independent (z)` where inputs differ; those that are not read have no say. */
function shownAxis(axis: string, { dependence, dependenceByInput }: GraphReport): string {
  const inputs = Object.entries(dependenceByInput).flatMap(([input, own]) => {
    const kind = own[axis] ?? "none";
    return kind === "none" ? [] : [{ input, kind }];
  });
  const worst = dependence[axis] ?? "none";
  const kinds = [...new Set([worst, ...inputs.map(({ kind }) => kind)])];
  if (kinds.length === 1) return `${axis} ${worst}`;
  const named = kinds.map((kind) => `${kind} (${inputs.flatMap((one) => (one.kind === kind ? [one.input] : [])).join(", ")})`);
  return `${axis} ${named.join(", ")}`;
}

function shown(name: string, graph: GraphReport): string {
  const rows = graph.blocks.map((block) => [block.path || "(unlabelled)", ...figures(block)]);
  const lines = table(["block", "parameters", "tensors", "GFLOP"], [...rows, [`${name}, in all`, ...figures(graph)]]);
  const memory = `activations: ${(graph.activationBytes / 2 ** 20).toFixed(1)} MiB alive at most, ${graph.nodes} nodes as written`;
  const along = Object.keys(graph.dependence).map((axis) => shownAxis(axis, graph));
  const axes = along.length === 0 ? [] : [`axes: ${along.join(", ")}`];
  return [pc.bold(name), ...lines, memory, ...axes, ""].join("\n");
}

function figures(cost: { readonly parameters: number; readonly tensors: number; readonly flops: number }): string[] {
  return [cost.parameters.toLocaleString("en"), String(cost.tensors), (cost.flops / 1e9).toFixed(2)];
}
