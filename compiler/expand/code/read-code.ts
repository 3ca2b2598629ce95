/** A configured model, expanded once more and heard, to its code. */

import type { GraphDeclaration, NamedDeclaration } from "../../../dsl/index.ts";
import { idBounds } from "../../analysis/id-bounds.ts";
import type { Graph } from "../../graph/graph.ts";
import type { CodeBlock, CodeGlobal, CodeGraph, ModelCode } from "../../module/code.ts";
import { Budget } from "../budget.ts";
import { type Configuration, globalsOf } from "../configure.ts";
import { expandGraph, graphsOf, samplerOf } from "../expand.ts";
import { type Attempt, attempt } from "../failure.ts";
import { type Globals, globalKey } from "../globals.ts";
import type { Static } from "../static.ts";
import { Conflict, plainOf } from "./evidence.ts";
import { BlockReader, type ModelReader } from "./read-block.ts";
import { Recorder, type Run } from "./recorder.ts";

/** The code of the model's graphs. */
export function readCode(configuration: Configuration): Attempt<ModelCode> {
  const heard = { ...configuration, recorder: new Recorder() };
  const graphs: HeardGraph[] = [];
  for (const declaration of graphsOf(heard)) {
    const expanded = expandGraph(heard, declaration);
    if (!expanded.ok) return expanded;
    if (expanded.value.run !== undefined) graphs.push({ declaration, run: expanded.value.run, graph: expanded.value.graph });
  }
  return attempt(() =>
    new CodeReader(
      heard,
      graphs.map(({ run }) => run),
    ).read(graphs),
  );
}

interface HeardGraph {
  readonly declaration: GraphDeclaration;
  readonly run: Run;
  readonly graph: Graph;
}

class CodeReader implements ModelReader {
  private readonly configuration: Configuration;
  private readonly known: Globals;
  private readonly blocks: CodeBlock[] = [];
  private readonly places = new Map<Run, number>();
  private readonly groups = new Map<string, Run[]>();
  private readonly globals = new Map<string, CodeGlobal>();

  constructor(configuration: Configuration, graphs: readonly Run[]) {
    this.configuration = configuration;
    this.known = globalsOf(configuration.program, configuration.overrides, new Budget());
    for (const run of graphs) this.collect(run);
  }

  read(graphs: readonly HeardGraph[]): ModelCode {
    const { model, choices, program, file } = this.configuration;
    const read = graphs.map(({ declaration, run, graph }): CodeGraph => {
      const { name, doc, body, parameters } = declaration;
      const bounds = idBounds(graph);
      const inputs = graph.values.flatMap((value) =>
        value.kind === "input" ? [{ name: value.name, ...value.type, ids: bounds.get(value.name) }] : [],
      );
      return {
        name: name.name,
        doc,
        inputs,
        block: new BlockReader([run], this).read({ name, doc: undefined, dims: [], parameters, body }),
      };
    });
    return {
      name: model.name.name,
      preset: choices.preset ?? null,
      ablations: choices.ablations ?? [],
      doc: model.doc,
      about: program.files.get(file)?.source.doc,
      globals: [...this.globals.values()],
      blocks: this.blocks,
      graphs: read,
      precision: choices.precision,
      looped: samplerOf(this.configuration)?.graph.name ?? null,
    };
  }

  readonly blockOf = (run: Run): number => {
    if (!this.places.has(run)) this.readGroup(this.groups.get(keyOf(run)) ?? [run]);
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

  /** One piece of code for all calls of a block, or several where they differ by more than numbers. */
  private readGroup(runs: readonly Run[]): void {
    const [first] = runs;
    if (first?.block === undefined) throw new Error("code: a call of no block");
    try {
      const read = new BlockReader(runs, this).read(first.block);
      const place = this.blocks.push(read) - 1;
      for (const run of runs) this.places.set(run, place);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (process.env.WHY)
        console.error(
          "SPLIT",
          first.block.name.name,
          error.message,
          [...error.kinds.values()].map((k) => k.slice(0, 160)),
        );
      const apart = new Map<string, Run[]>();
      for (const run of runs) {
        const kind = error.kinds.get(run) ?? "";
        apart.set(kind, [...(apart.get(kind) ?? []), run]);
      }
      if (apart.size < 2) throw new Error(`code: ${error.message} differs within a call of ${first.block.name.name}`);
      for (const group of apart.values()) this.readGroup(group);
    }
  }
}

function keyOf({ file, block }: Run): string {
  return `${file} ${block?.name.name}`;
}

function docOf(declaration: NamedDeclaration | undefined): string | undefined {
  return declaration?.doc;
}
