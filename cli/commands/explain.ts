/** `mvc explain`: what each stage of the compiler makes of a model, as text, and how long each takes. */

import { compile } from "../../compiler/compile.ts";
import { compileTraining } from "../../compiler/compile-training.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { printGraph } from "../../compiler/graph/print.ts";
import { printPlan } from "../../compiler/package/print-plan.ts";
import { onnxPasses, runPasses } from "../../compiler/passes/passes.ts";
import type { StageEnd, Trace } from "../../compiler/rewriting/trace.ts";
import type { Planned } from "../../compiler/targets/webgpu/plan-graph.ts";
import { planModel } from "../../compiler/targets/webgpu/plan-model.ts";
import { lossesOf, parse, printTokens, printTree } from "../../dsl/index.ts";
import { mvcError } from "../../runtime/errors.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { readLimits } from "../limits-file.ts";
import { printSampler } from "../print-sampler.ts";
import { printStages } from "../print-stages.ts";
import { printDiagnostics, type SoundProgram, soundProgram } from "../program.ts";
import { requireStages } from "../required-stages.ts";
import { table } from "../table.ts";
import type { Outcome } from "../terminal.ts";

export interface ExplainOptions extends ChoiceOptions {
  readonly tokens?: true;
  readonly ast?: true;
  readonly graph?: string;
  readonly after?: string;
  readonly plan?: true;
  readonly kernel?: string;
  readonly sampler?: true;
  readonly train?: true;
  readonly timing?: true;
  readonly limits: string;
}

/** A stage as it ended: of which target, and how long it took. */
interface Stage extends StageEnd {
  readonly target?: "onnx" | "webgpu";
  readonly milliseconds: number;
}

export function explain(file: string, options: ExplainOptions): Outcome {
  if (options.tokens || options.ast) return explainSource(file, options);
  const clock = stopwatch();
  const sound = soundProgram(file);
  if (sound === undefined) return "mistake";
  clock.hear()({ stage: "check", graph: "" });
  if (options.train || namesLoss(sound, options)) return explainTraining(file, sound, options, clock);
  const compiled = compile(sound.program, choicesOf(options), clock.hear());
  if (!compiled.ok) {
    printDiagnostics(compiled.diagnostics, sound.texts);
    return "mistake";
  }
  const { module } = compiled;
  if (options.sampler) {
    if (module.sampler === null)
      throw mvcError("option-invalid", { option: "--sampler", expected: "left out: the model has none", found: "given" });
    process.stdout.write(printSampler(module.sampler));
    return "done";
  }
  for (const graph of module.graphs.values()) runPasses(graph, onnxPasses, clock.hear("onnx"));
  const planned = planModel(module, readLimits(options.limits), clock.hear("webgpu"));
  if (!planned.ok) printDiagnostics(planned.diagnostics, sound.texts);
  const plans = planned.ok ? planned.plans : new Map<string, Planned>();
  process.stdout.write(view(options, clock.stages, module.graphs, plans));
  return planned.ok ? "done" : "mistake";
}

/** Whether the graph that is asked for is a loss, which is no part of what is built. */
function namesLoss({ program }: SoundProgram, { graph }: ExplainOptions): boolean {
  const { declarations } = program.files.get(program.entry)?.source ?? { declarations: [] };
  return declarations.some((declaration) => declaration.kind === "model" && lossesOf(declaration).has(graph ?? ""));
}

function explainTraining(file: string, { program, texts }: SoundProgram, options: ExplainOptions, clock: Clock): Outcome {
  const training = compileTraining(program, choicesOf(options), undefined, clock.hear());
  if (!training.ok) {
    printDiagnostics(training.diagnostics, texts);
    return "mistake";
  }
  requireStages(file, "--train", training.value);
  const losses = training.value.stages.flatMap((stage) => (stage.kind === "loss" ? [[stage.loss.name, stage.loss] as const] : []));
  const { graph, after } = options;
  if (graph === undefined) process.stdout.write(printStages(training.value));
  else {
    choose("--graph", graph, [...new Map(losses).keys()]);
    if (options.plan || options.kernel !== undefined) {
      const option = options.plan ? "--plan" : "--kernel";
      throw mvcError("option-invalid", { option, expected: `left out: \`${graph}\` is a loss, which has no plan`, found: "given" });
    }
    process.stdout.write(printGraph(after === undefined ? (new Map(losses).get(graph) as Graph) : graphAfter(clock.stages, graph, after)));
  }
  return "done";
}

function explainSource(file: string, { tokens }: ExplainOptions): Outcome {
  const text = readText(file, "the model", textLimits.model);
  if (tokens) {
    process.stdout.write(printTokens(text));
    return "done";
  }
  const { source, diagnostics } = parse(file, text);
  if (source === undefined) {
    printDiagnostics(diagnostics, new Map([[file, text]]));
    return "mistake";
  }
  process.stdout.write(printTree(source));
  return "done";
}

type Clock = ReturnType<typeof stopwatch>;

/** Times each stage from the end of the one before it. */
function stopwatch() {
  const stages: Stage[] = [];
  let last = performance.now();
  const hear =
    (target?: Stage["target"]): Trace =>
    (end) => {
      const now = performance.now();
      stages.push({ ...end, ...(target === undefined ? {} : { target }), milliseconds: now - last });
      last = performance.now();
    };
  return { stages, hear };
}

function view(
  options: ExplainOptions,
  stages: readonly Stage[],
  graphs: ReadonlyMap<string, Graph>,
  plans: ReadonlyMap<string, Planned>,
): string {
  if (options.timing) return timing(stages);
  const named = options.graph === undefined ? undefined : choose("--graph", options.graph, [...new Set([...graphs.keys()])]);
  if (named === undefined) {
    if (options.after ?? options.kernel ?? options.plan) {
      throw mvcError("option-invalid", { option: "--graph", expected: `one of ${[...graphs.keys()].join(", ")}`, found: "none" });
    }
    return overview(stages, [...graphs.keys()]);
  }
  const planned = plans.get(named);
  if (options.plan) return planned === undefined ? "" : printPlan(planned.plan);
  if (options.kernel !== undefined) return planned === undefined ? "" : kernel(planned, options.kernel);
  if (options.after === undefined) return printGraph(graphs.get(named) as Graph);
  return printGraph(graphAfter(stages, named, options.after));
}

/** The last stage of a name, or of `onnx/NAME` and `webgpu/NAME`, that made the graph. */
function graphAfter(stages: readonly Stage[], graph: string, name: string): Graph {
  const made = stages.filter((stage) => stage.graph === graph && stage.made !== undefined);
  const found = made.findLast((stage) => stage.stage === name || titleOf(stage) === name)?.made;
  if (found !== undefined) return found;
  return choose("--after", name, [...new Set(made.map(titleOf))]) as never;
}

function titleOf({ target, stage }: Stage): string {
  return target === undefined ? stage : `${target}/${stage}`;
}

function choose(option: string, found: string, known: readonly string[]): string {
  if (known.includes(found)) return found;
  throw mvcError("option-invalid", { option, expected: `one of ${known.join(", ")}`, found });
}

/** The stages that made each graph, and what they left of it. */
function overview(stages: readonly Stage[], graphs: readonly string[]): string {
  return graphs
    .map((graph) => {
      const rows = stages.flatMap((stage) =>
        stage.graph === graph && stage.made !== undefined
          ? [[titleOf(stage), String(opsOf(stage.made)), String(stage.made.values.length - opsOf(stage.made))]]
          : [],
      );
      return [...table([graph, "ops", "inputs, weights, constants"], rows), ""].join("\n");
    })
    .join("\n");
}

function opsOf(graph: Graph): number {
  return graph.values.filter((value) => value.kind === "op").length;
}

/** Milliseconds by stage over all graphs, in the order in which stages first ran. */
function timing(stages: readonly Stage[]): string {
  const sums = new Map<string, number>();
  for (const stage of stages) sums.set(titleOf(stage), (sums.get(titleOf(stage)) ?? 0) + stage.milliseconds);
  const total = [...sums.values()].reduce((sum, milliseconds) => sum + milliseconds, 0);
  const row = (name: string, milliseconds: number) => [name, milliseconds.toFixed(1), `${((100 * milliseconds) / total).toFixed(1)} %`];
  return `${table(["stage", "ms", "share"], [...[...sums].map(([name, sum]) => row(name, sum)), row("in all", total)]).join("\n")}\n`;
}

function kernel({ source }: Planned, name: string): string {
  const kernels = source.split(/^(?=\/\/ kernel )/m);
  const names = kernels.map((text) => text.slice("// kernel ".length, text.indexOf("\n")));
  choose("--kernel", name, names);
  return kernels[names.indexOf(name)] ?? "";
}
