/** A program and the build's choices (model, preset, ablations, settings) to the values of its dims and params. */

import type {
  AblationDeclaration,
  Expression,
  Field,
  FileScope,
  ModelDeclaration,
  PresetDeclaration,
  Program,
  Span,
} from "../../dsl/index.ts";
import { mostSize } from "../graph/graph.ts";
import { GraphBuilder } from "../rewriting/builder.ts";
import { Budget, mostNested } from "./budget.ts";
import type { Recorder } from "./code/recorder.ts";
import { evaluate } from "./evaluate.ts";
import { type Attempt, attempt, ExpansionFailure, Faults } from "./failure.ts";
import { type Frame, Scope } from "./frame.ts";
import { Globals, globalKey } from "./globals.ts";
import { MadeWeights } from "./made-weights.ts";
import { expandDiagnostic } from "./messages.ts";
import { numberCall } from "./numbers.ts";
import { describe, int, ListStatic, namedInt, record, type Static } from "./static.ts";
import { fits, showType } from "./types.ts";
import { WeightReads } from "./unread-weights.ts";
import type { WeightShapes } from "./weight-shapes.ts";

/** A value of `--set name=value`: JSON, as no expression of the language is needed there. */
export type Setting = number | boolean | string | readonly Setting[] | { readonly [name: string]: Setting };

export interface Choices {
  /** May be left out where the file declares one model. */
  readonly model?: string | undefined;
  readonly preset?: string | undefined;
  /** Applied in order, on top of the preset. */
  readonly ablations?: readonly string[];
  /** Applied last, by name of a dim or param. */
  readonly settings?: { readonly [name: string]: Setting };
  readonly precision: "f32" | "f16";
}

export interface Configuration {
  readonly program: Program;
  readonly file: string;
  readonly model: ModelDeclaration;
  readonly choices: Choices;
  /** By `globalKey`, for file-level dims and params. */
  readonly overrides: ReadonlyMap<string, Static>;
  /** The model's own dims, by name. */
  readonly modelDims: ReadonlyMap<string, Static>;
  readonly budget: Budget;
  /** Is told of each dim, param and const that is read. */
  readonly reads?: Set<string>;
  /** What the graphs' weights must be, where a graph is expanded at a second batch. */
  readonly weights?: WeightShapes;
  /** Hears the expansion of the graphs. */
  readonly recorder?: Recorder;
}

/** One `budget` may serve several configurations of a program. */
export function configure(program: Program, choices: Choices, budget = new Budget()): Attempt<Configuration> {
  return attempt(() => {
    budget.beginGraph();
    const scope = program.files.get(program.entry);
    if (scope === undefined) throw new Error(`configure: ${program.entry} is not in its program`);
    const model = chooseModel(scope, program.entry, choices.model);
    const collected = new Overrides(program, scope, model, budget);
    if (choices.preset !== undefined) collected.addFields(choose(scope, program.entry, "preset", choices.preset, model).overrides);
    for (const name of choices.ablations ?? []) collected.addFields(choose(scope, program.entry, "ablation", name, model).overrides);
    for (const [name, value] of Object.entries(choices.settings ?? {})) collected.addSetting(name, value);
    return { program, file: program.entry, model, choices, overrides: collected.globals, modelDims: collected.modelDims(), budget };
  });
}

/** A frame in which expressions outside any block are read: file-level names only, and no tensors. */
export function staticFrame(program: Program, globals: Globals, file: string, budget: Budget, scope = new Scope()): Frame {
  const call: Frame["expansion"]["call"] = (expression, frame) => {
    const number = numberCall(expression, frame);
    if (number === undefined) throw new Error("expand: a call outside a block, which check should have found");
    return number;
  };
  const builder = new GraphBuilder();
  const reads = new WeightReads(builder);
  return {
    expansion: {
      program,
      globals,
      builder,
      reads,
      precision: "f32",
      known: undefined,
      budget,
      faults: new Faults(),
      made: new MadeWeights(),
      weights: undefined,
      sourceOf: ({ span }) => span,
      call,
    },
    file,
    scope,
    path: "",
    label: undefined,
    sharesRounds: false,
    rounds: [],
    body: { block: undefined, path: "", argument: () => undefined, parts: [] },
    expandedFrom: [],
  };
}

export function globalsOf(program: Program, overrides: ReadonlyMap<string, Static>, budget: Budget, reads?: Set<string>): Globals {
  const read = (globals: Globals, expression: Expression, file: string) =>
    evaluate(expression, staticFrame(program, globals, file, budget));
  return new Globals(program, overrides, read, reads);
}

function fileSpan(scope: FileScope): Span {
  return { file: scope.source.path, start: 0, end: 0 };
}

function refuse(...diagnostic: Parameters<typeof expandDiagnostic>): never {
  throw new ExpansionFailure(expandDiagnostic(...diagnostic));
}

function hintOf(names: readonly string[], flag: string): string {
  return names.length === 0 ? `leave out \`${flag}\`: the file declares none` : `choose one of: ${names.join(", ")}`;
}

function chooseModel(scope: FileScope, file: string, name: string | undefined): ModelDeclaration {
  const models = scope.source.declarations.filter((declaration) => declaration.kind === "model");
  const names = models.map((model) => model.name.name);
  const only = models[0];
  if (only === undefined) return refuse("no-model", fileSpan(scope), { file });
  if (name === undefined) {
    if (models.length > 1)
      return refuse("several-models", fileSpan(scope), { names: names.join(", ") }, { hint: `name one: \`--model ${names[0]}\`` });
    return only;
  }
  const found = models.find((model) => model.name.name === name);
  return found ?? refuse("unknown-choice", fileSpan(scope), { what: "model", name, file }, { hint: hintOf(names, "--model") });
}

function choose(
  scope: FileScope,
  file: string,
  kind: "preset" | "ablation",
  name: string,
  model: ModelDeclaration,
): PresetDeclaration | AblationDeclaration {
  const candidates = scope.source.declarations
    .filter((declaration) => declaration.kind === "preset" || declaration.kind === "ablation")
    .filter((candidate) => candidate.kind === kind && candidate.model.name === model.name.name);
  const found = candidates.find((candidate) => candidate.name.name === name);
  if (found !== undefined) return found;
  const names = candidates.map((candidate) => candidate.name.name);
  return refuse("unknown-choice", fileSpan(scope), { what: kind, name, file }, { hint: hintOf(names, `--${kind}`) });
}

class Overrides {
  readonly globals = new Map<string, Static>();
  private readonly dims = new Map<string, number>();
  private readonly program: Program;
  private readonly scope: FileScope;
  private readonly model: ModelDeclaration;
  private readonly budget: Budget;

  constructor(program: Program, scope: FileScope, model: ModelDeclaration, budget: Budget) {
    this.program = program;
    this.scope = scope;
    this.model = model;
    this.budget = budget;
  }

  /** The model's dims, in their order; those that nothing overrides are worked out last, so that they follow the file's. */
  modelDims(): ReadonlyMap<string, Static> {
    return new Map(
      this.model.dims.map(({ name: { name }, value }) => {
        return [name, namedInt(name, this.dims.get(name) ?? dimSize(name, this.evaluate(value), value.span))];
      }),
    );
  }

  addFields(fields: readonly Field[]): void {
    for (const field of fields) this.add(field.name.name, this.evaluate(field.value), field.value.span);
  }

  addSetting(name: string, value: Setting): void {
    const span = fileSpan(this.scope);
    this.add(
      name,
      settingValue(value, (expected, found) => refuse("override-kind", span, { name, expected, found })),
      span,
    );
  }

  private evaluate(expression: Expression): Static {
    const globals = globalsOf(this.program, this.globals, this.budget);
    return evaluate(expression, staticFrame(this.program, globals, this.scope.source.path, this.budget));
  }

  private add(name: string, value: Static, span: Span): void {
    if (this.model.dims.some((dim) => dim.name.name === name)) {
      this.dims.set(name, dimSize(name, value, span));
      return;
    }
    const target = this.scope.names.get(name);
    const declaration = target?.declaration;
    if (target === undefined || (declaration?.kind !== "dim" && declaration?.kind !== "param")) {
      const names = [
        ...this.model.dims.map((dim) => dim.name.name),
        ...[...this.scope.names].filter(([, d]) => d.declaration.kind === "dim" || d.declaration.kind === "param").map(([n]) => n),
      ];
      return refuse("unknown-choice", span, { what: "dim or param", name, file: this.scope.source.path }, { hint: hintOf(names, "--set") });
    }
    if (declaration.kind === "dim") value = int(dimSize(name, value, span));
    else if (!fits(this.program, value, declaration.type, target.file)) {
      const holes = { name, expected: showType(declaration.type), found: describe(value) };
      return refuse("override-kind", span, holes, { related: [{ message: `\`${name}\` declared here`, span: declaration.name.span }] });
    }
    this.globals.set(globalKey(target.file, name), value);
  }
}

function dimSize(name: string, value: Static, span: Span): number {
  if (value.kind === "int" && value.value >= 1 && value.value <= mostSize) return value.value;
  return refuse("override-kind", span, { name, expected: `a size from 1 to ${mostSize}`, found: describe(value) });
}

/** What comes from outside may be anything that JSON can say. */
function settingValue(value: unknown, refuseAs: (expected: string, found: string) => never, depth = 0): Static {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return refuseAs("a number that is finite", String(value));
    return Number.isSafeInteger(value) ? int(value) : { kind: "float", value };
  }
  if (typeof value === "boolean") return { kind: "bool", value };
  if (typeof value === "string") return { kind: "string", value };
  if (typeof value !== "object" || value === null) return refuseAs("a number, text, true or false, a list or a record", String(value));
  if (depth >= mostNested) return refuseAs(`at most ${mostNested} lists and records within each other`, "more");
  if (Array.isArray(value)) return ListStatic.of(value.map((item) => settingValue(item, refuseAs, depth + 1)));
  return record(new Map(Object.entries(value).map(([name, item]) => [name, settingValue(item, refuseAs, depth + 1)])));
}
