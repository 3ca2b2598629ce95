/** `mvc report`: what a model's graphs and clips cost, alone or against another's, as tables for people or JSON for programs. */

import { existsSync } from "node:fs";
import { compileTraining } from "../../compiler/compile-training.ts";
import type { Setting } from "../../compiler/expand/configure.ts";
import type { Diagnostic, Program } from "../../dsl/index.ts";
import { mvcError } from "../../runtime/errors.ts";
import { type ChoiceOptions, choicesOf, shownChoices } from "../choices.ts";
import { printDiagnostics, type SoundProgram, soundProgram } from "../program.ts";
import { compared } from "../report/comparison.ts";
import { comparisonData, reportData } from "../report/data.ts";
import { dependencesOf } from "../report/dependences.ts";
import type { Cut } from "../report/figures.ts";
import { printedComparison } from "../report/print-comparison.ts";
import { printedClip, printedGraph } from "../report/print-report.ts";
import { type Side, sideOf } from "../report/side.ts";
import { printedTraining, trainingCost } from "../report/training.ts";
import { requireStages } from "../required-stages.ts";
import type { Outcome } from "../terminal.ts";

export interface ReportOptions extends ChoiceOptions {
  readonly depth: number;
  readonly by?: Cut;
  readonly json?: true;
  /** What the stages of the training cost, in the place of graphs and clips. */
  readonly train?: true;
  /** The file of the other side, the same where only its choices are given; each side's choices are its own, but for the precision. Or an ablation that the file declares, on top of the choices of the one side. */
  readonly against?: string;
  readonly againstModel?: string;
  readonly againstPreset?: string;
  readonly againstAblation?: readonly string[];
  readonly againstSet?: { readonly [name: string]: Setting };
}

export function report(file: string, options: ReportOptions): Outcome {
  const { against, againstModel: model, againstPreset: preset, againstAblation: ablation, againstSet: set } = options;
  const other = [against, model, preset, ablation, set].some((given) => given !== undefined);
  if (options.train && other)
    throw mvcError("option-invalid", { option: "--train", expected: "left out beside --against", found: "given" });
  const source = soundProgram(file);
  if (options.train) return source === undefined ? "mistake" : reportTraining(file, source, options);
  if (!other) {
    const side = source && readSide(source, options, options.depth);
    if (side === undefined) return "mistake";
    printReport(side, options);
    return "done";
  }
  const ablated = against !== undefined && source !== undefined && isAblation(source.program, against);
  const files = { a: file, b: ablated ? file : (against ?? file) };
  const own = { model, preset, ablation, set, precision: options.precision };
  const choices = { a: options, b: ablated ? withAblation(options, against, own) : own };
  const titles = { a: shownChoices(files.a, choices.a), b: shownChoices(files.b, choices.b) };
  const sourceB = files.b === files.a ? source : soundProgram(files.b, "the model to compare with");
  const a = source && readSide(source, choices.a, options.depth, `A, ${titles.a}`);
  const b = sourceB && readSide(sourceB, choices.b, options.depth, `B, ${titles.b}`, asAgainst);
  if (a === undefined || b === undefined) return "mistake";
  const comparison = compared(a, b);
  if (options.json) print(comparisonData(a, b, comparison, files));
  else process.stdout.write(printedComparison(comparison, titles, options.by));
  return "done";
}

/** A file of that name comes first. */
function isAblation({ entry, files }: Program, name: string): boolean {
  const declarations = files.get(entry)?.source.declarations ?? [];
  return !existsSync(name) && declarations.some((one) => one.kind === "ablation" && one.name.name === name);
}

function withAblation(a: ChoiceOptions, name: string, b: ChoiceOptions): ChoiceOptions {
  return {
    model: b.model ?? a.model,
    preset: b.preset ?? a.preset,
    ablation: [...(a.ablation ?? []), ...(b.ablation ?? []), name],
    set: { ...a.set, ...b.set },
    precision: a.precision,
  };
}

function reportTraining(file: string, { program, texts }: SoundProgram, options: ReportOptions): Outcome {
  const training = compileTraining(program, choicesOf(options));
  if (!training.ok) {
    printDiagnostics(training.diagnostics, texts);
    return "mistake";
  }
  requireStages(file, "--train", training.value);
  const cost = trainingCost(training.value);
  if (options.json) print(cost);
  else process.stdout.write(printedTraining(cost));
  return "done";
}

/** What is wrong under these choices is printed, below the side that they are of. */
function readSide(
  { program, texts }: SoundProgram,
  options: ChoiceOptions,
  depth: number,
  title?: string,
  told: (diagnostic: Diagnostic) => Diagnostic = (diagnostic) => diagnostic,
): Side | undefined {
  const found = sideOf(program, choicesOf(options), depth);
  if (found.ok) return found.side;
  if (title !== undefined) process.stderr.write(`${title}\n`);
  printDiagnostics(found.diagnostics.map(told), texts);
  return undefined;
}

/** A hint names the option by which the other side is chosen: `--against-preset` for `--preset`. */
function asAgainst(diagnostic: Diagnostic): Diagnostic {
  const hint = diagnostic.hint?.replace(/`--(?=(model|preset|ablation|set)\b)/g, "`--against-");
  return hint === undefined ? diagnostic : { ...diagnostic, hint };
}

function printReport(side: Side, { by = "path", json }: ReportOptions): void {
  const dependences = dependencesOf(side.program, side.choices, side.expanded);
  if (json) return print(reportData(side, dependences));
  const graphs = [...side.graphs].map(([name, cost]) => printedGraph(name, cost, dependences.get(name), by));
  const clip = side.clip === undefined ? [] : [printedClip(side.clip)];
  process.stdout.write([...graphs, ...clip].join("\n"));
}

function print(data: unknown): void {
  process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
}
