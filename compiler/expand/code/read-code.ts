/** A configured model, expanded once more and heard, to its code. */

import type { GraphDeclaration, NamedDeclaration, Program } from "../../../dsl/index.ts";
import { idBounds } from "../../analysis/id-bounds.ts";
import type { Graph } from "../../graph/graph.ts";
import type { CodeBlock, CodeGlobal, CodeGraph, CodeLoss, CodeStatement, LossCode, ModelCode } from "../../module/code.ts";
import { Budget } from "../budget.ts";
import { type Configuration, globalsOf } from "../configure.ts";
import { expandGraph, graphsOf, samplerOf } from "../expand.ts";
import { type Attempt, attempt } from "../failure.ts";
import { type Globals, globalKey } from "../globals.ts";
import type { Static } from "../static.ts";
import { Conflict, plainOf, Unwritable } from "./evidence.ts";
import { BlockReader, type ModelReader } from "./read-block.ts";
import { Recorder, type Run } from "./recorder.ts";

/** The code of the model's graphs. */
export function readCode(configuration: Configuration): Attempt<ModelCode> {
  const graphs = hear(configuration, graphsOf(configuration), new Recorder());
  return graphs.ok ? attempt(() => new CodeReader(configuration).read(graphs.value)) : graphs;
}

/** The same with the code of graphs that only training needs. */
export function readLossCode(configuration: Configuration, declarations: readonly GraphDeclaration[]): Attempt<LossCode> {
  const recorder = new Recorder();
  const graphs = hear(configuration, graphsOf(configuration), recorder);
  if (!graphs.ok) return graphs;
  const losses = hear(configuration, declarations, recorder);
  return losses.ok ? attempt(() => new CodeReader(configuration).readWithLosses(graphs.value, losses.value)) : losses;
}

interface HeardGraph {
  readonly declaration: GraphDeclaration;
  readonly run: Run;
  readonly graph: Graph;
  readonly paths: CodeLoss["outputs"][number]["path"][];
}

function hear(configuration: Configuration, declarations: readonly GraphDeclaration[], recorder: Recorder): Attempt<readonly HeardGraph[]> {
  const graphs: HeardGraph[] = [];
  for (const declaration of declarations) {
    const expanded = expandGraph({ ...configuration, recorder }, declaration);
    if (!expanded.ok) return expanded;
    const { run, graph, paths } = expanded.value;
    if (run !== undefined) graphs.push({ declaration, run, graph, paths: [...paths] });
  }
  return { ok: true, value: graphs };
}

class CodeReader implements ModelReader {
  private readonly configuration: Configuration;
  private readonly known: Globals;
  private readonly blocks: CodeBlock[] = [];
  /** The calls that each block was read of. */
  private readonly evidence: (readonly Run[])[] = [];
  private readonly places = new Map<Run, number>();
  private readonly groups = new Map<string, Run[]>();
  private readonly globals = new Map<string, CodeGlobal>();

  constructor(configuration: Configuration) {
    this.configuration = configuration;
    this.known = globalsOf(configuration.program, configuration.overrides, new Budget());
  }

  get program(): Program {
    return this.configuration.program;
  }

  read(graphs: readonly HeardGraph[]): ModelCode {
    const { model, choices, program, file } = this.configuration;
    const read = this.readGraphs(graphs);
    return {
      name: model.name.name,
      preset: choices.preset ?? null,
      ablations: choices.ablations ?? [],
      doc: model.doc,
      about: program.files.get(file)?.source.doc,
      globals: [...this.globals.values()],
      blocks: [...this.blocks],
      graphs: read,
      precision: choices.precision,
      looped: samplerOf(this.configuration)?.graph.name ?? null,
    };
  }

  /** The model is read first, and stays as it is without its losses. */
  readWithLosses(graphs: readonly HeardGraph[], losses: readonly HeardGraph[]): LossCode {
    const model = this.read(graphs);
    const read = this.readGraphs(losses).map((loss, i): CodeLoss => {
      const paths = losses[i]?.paths ?? [];
      return { ...loss, outputs: paths.map((path) => ({ name: path.length === 0 ? loss.name : path.join("."), path })) };
    });
    return { model, losses: read, blocks: this.blocks, globals: [...this.globals.values()] };
  }

  private readGraphs(graphs: readonly HeardGraph[]): CodeGraph[] {
    this.groups.clear();
    for (const { run } of graphs) this.collect(run);
    return graphs.map(({ declaration, run, graph }): CodeGraph => {
      const { name, doc, body, parameters } = declaration;
      const bounds = idBounds(graph);
      const inputs = graph.values.flatMap((value) =>
        value.kind === "input" ? [{ name: value.name, ...value.type, ids: bounds.get(value.name) }] : [],
      );
      return { name: name.name, doc, inputs, block: this.readGraph(run, { name, doc: undefined, dims: [], parameters, body }) };
    });
  }

  private readGraph(run: Run, graph: Parameters<BlockReader["read"]>[0]): CodeBlock {
    try {
      return new BlockReader([run], this).read(graph);
    } catch (error) {
      throw error instanceof Conflict ? unwritable(graph.name.name, error) : error;
    }
  }

  readonly blockOf = (run: Run): number => {
    if (!this.places.has(run)) this.settle(this.groups.get(keyOf(run)) ?? [run]);
    const place = this.places.get(run);
    if (place === undefined) throw new Error("code: a call that no code stands for");
    return place;
  };

  readonly owns = (block: number): boolean => this.blocks[block]?.owns ?? false;

  readonly isModelConst = (name: string): boolean =>
    this.configuration.model.members.some((member) => member.kind === "const" && member.name.name === name);

  readonly global = (name: string, file: string): string => {
    const { program, modelDims, model } = this.configuration;
    const declared = program.files.get(file)?.names.get(name);
    const key =
      modelDims.has(name) && declared === undefined
        ? `model\n${name}`
        : globalKey(declared?.file ?? file, declared?.declaration.name.name ?? name);
    const known = this.globals.get(key);
    if (known !== undefined) return known.name;
    const value = this.globalValue(name, file);
    const plain = value && plainOf(value);
    if (plain === undefined) throw new Error(`code: ${name} of ${model.name.name} is no dim, param or const`);
    const taken = new Set([...this.globals.values()].map((one) => one.name));
    let own = declared?.declaration.name.name ?? name;
    for (let i = 2; taken.has(own); i++) own = `${name}${i}`;
    this.globals.set(key, {
      name: own,
      value: plain,
      float: value?.kind === "float",
      isDim: declared === undefined || declared.declaration.kind === "dim",
      doc: docOf(declared?.declaration),
    });
    return own;
  };

  readonly globalValue = (name: string, file: string): Static | undefined =>
    this.known.lookUp(name, file) ?? this.configuration.modelDims.get(name);

  private collect(run: Run): void {
    for (const calls of run.calls.values()) {
      for (const { run: inner } of calls) {
        const key = keyOf(inner);
        const group = this.groups.get(key);
        if (group === undefined) this.groups.set(key, [inner]);
        else group.push(inner);
        this.collect(inner);
      }
    }
  }

  /** Calls for which code that is read already stands as it is take that. */
  private settle(runs: readonly Run[]): void {
    const [first] = runs;
    let left = runs;
    for (const [place, evidence] of this.evidence.entries()) {
      if (first === undefined || evidence[0] === undefined || keyOf(evidence[0]) !== keyOf(first)) continue;
      const fits = (more: readonly Run[]) => this.standsFor(place, [...evidence, ...more]);
      const taken = new Set(left.length > 0 && fits(left) ? left : left.filter((run) => fits([run])));
      for (const run of taken) this.places.set(run, place);
      left = left.filter((run) => !taken.has(run));
    }
    if (left.length > 0) this.readGroup(left);
  }

  /** Whether the code of a block is that of all these calls, whatever names they have for the axes of what it makes. */
  private standsFor(place: number, runs: readonly Run[]): boolean {
    const block = runs[0]?.block;
    if (block === undefined) return false;
    try {
      return textOf(new BlockReader(runs, this).read(block)) === textOf(this.blocks[place]);
    } catch (error) {
      if (error instanceof Conflict) return false;
      throw error;
    }
  }

  /** One piece of code for all calls of a block, or several where they differ by more than numbers. */
  private readGroup(runs: readonly Run[]): void {
    const [first] = runs;
    if (first?.block === undefined) throw new Error("code: a call of no block");
    try {
      const read = new BlockReader(runs, this).read(first.block);
      const place = this.blocks.push(read) - 1;
      this.evidence[place] = runs;
      for (const run of runs) this.places.set(run, place);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const apart = new Map<string, Run[]>();
      for (const run of runs) {
        const kind = error.kinds.get(run) ?? "";
        apart.set(kind, [...(apart.get(kind) ?? []), run]);
      }
      if (apart.size < 2) throw unwritable(first.block.name.name, error);
      for (const group of apart.values()) this.readGroup(group);
    }
  }
}

function textOf(block: CodeBlock | undefined): string {
  const told = (value: CodeStatement) => (value?.kind === "bind" || value?.kind === "return") && value.shape !== undefined;
  return JSON.stringify(block, (_, value) => (value instanceof Map ? [...value] : told(value) ? { ...value, shape: "tensor" } : value));
}

function unwritable(name: string, { message }: Conflict): Unwritable {
  return new Unwritable(`${message} differs between the rounds of a loop of \`${name}\``);
}

function keyOf({ file, block }: Run): string {
  return `${file} ${block?.name.name}`;
}

function docOf(declaration: NamedDeclaration | undefined): string | undefined {
  return declaration?.doc;
}
