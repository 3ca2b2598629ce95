/** What the two halves of a module, its constructor and its call, share while they are written. */

import type { CodeBlock, CodeGlobal, CodeStatement, Computed, Known, Levels } from "../../module/code.ts";
import { isOfModules } from "./clashes.ts";
import { knownText, type Names, type Text, within } from "./known-text.ts";
import type { Line } from "./lines.ts";
import { type PieceName, pieces } from "./pieces.ts";
import { type BlockPlan, dimKey, globalKey, indexKey, localKey, parameterKey } from "./plan.ts";
import { isIdentifier, pythonName } from "./python.ts";

/** What the whole file shares. */
export interface FileContext {
  readonly plans: readonly (BlockPlan | undefined)[];
  readonly globals: ReadonlyMap<string, CodeGlobal>;
  readonly pieces: Set<PieceName>;
}

/** Where a module lies: an attribute, or below one at levels of which some may be worked out. */
export type Spot =
  | { readonly kind: "attribute"; readonly owner: string; readonly name: string }
  | { readonly kind: "path"; readonly owner: string; readonly levels: Levels }
  /** What the class is derived from. */
  | { readonly kind: "base" }
  /** The owner itself. */
  | { readonly kind: "whole"; readonly owner: string }
  /** An attribute that adds no level. */
  | { readonly kind: "shared"; readonly owner: string; readonly name: string }
  /** What a loss keeps beside the model: under a name, or under one for each path that the levels say. */
  | { readonly kind: "beside"; readonly name: string; readonly levels: Levels | undefined }
  /** A weight that a loss alone has, below levels of the model. */
  | { readonly kind: "submodule"; readonly levels: Levels; readonly name: string };

/** What was registered at a place: the text that makes it, and where it is read. */
export interface Registered {
  readonly made: string;
  readonly spot: Spot;
}

/** The class of a whole model, as a loss's attribute. */
export const modelOwner = "self.model";

export type Registering = Extract<Computed, { kind: "op" | "call" }> | Extract<CodeStatement, { kind: "weight" | "repeat" }>;

/** How names are said in one half. */
export interface Half {
  readonly dim: (name: string) => string;
  readonly parameter: (name: string) => string;
  readonly global: (name: string) => string;
}

export class BlockContext {
  readonly file: FileContext;
  readonly block: CodeBlock;
  /** Decided by the constructor, read by the call. */
  readonly spots = new Map<Registering, Spot>();
  /** Names of variables that are taken. */
  readonly taken: Set<string>;
  /** Variables of the loops that go through modules, and their indices. */
  readonly loopVariables = new Map<number, string>();
  readonly loopIndices = new Map<number, string>();
  /** Variables of loops through modules, which loops beside each other share. */
  private readonly loopNames = new Set<string>();
  base: string | undefined;
  /** What a class is that is derived from no other. */
  plain = "nn.Module";
  private readonly methods: ReadonlySet<string>;
  private readonly methodsOwner: string;

  /** `methods` are those of the class that a graph's modules lie in. */
  constructor(file: FileContext, block: CodeBlock, methods: Iterable<string> = [], methodsOwner = "self") {
    this.file = file;
    this.block = block;
    this.methods = new Set(methods);
    this.methodsOwner = methodsOwner;
    this.taken = new Set([...namesOf(block.body), ...block.parameters.map(({ name }) => name), ...block.dims].map(pythonName));
    for (const name of file.globals.keys()) this.taken.add(pythonName(name));
    this.nameIndices(
      block.body,
      ["i", "j", "k", "m", "n"].filter((name) => !this.taken.has(name)),
    );
  }

  piece = (name: PieceName): string => {
    this.file.pieces.add(name);
    return name;
  };

  /** A variable of the writer's own. */
  fresh(name: string): string {
    let own = pythonName(name);
    for (let i = 2; this.taken.has(own) || this.loopNames.has(own) || own in pieces; i++) own = `${pythonName(name)}${i}`;
    this.taken.add(own);
    return own;
  }

  /** The variable of a loop through modules, within those of the loops around it. */
  loopVariable(label: string, around: ReadonlySet<string>): string {
    let own = pythonName(label);
    for (let i = 2; this.taken.has(own) || around.has(own) || own in pieces; i++) own = `${pythonName(label)}${i}`;
    this.loopNames.add(own);
    return own;
  }

  /** Loops count by what the source has for it, else by letters, the outermost by the first. */
  private nameIndices(statements: readonly CodeStatement[], free: readonly string[]): void {
    for (const statement of statements) {
      if (statement.kind === "if") for (const branch of [statement.yes, statement.no]) this.nameIndices(branch, free);
      if (statement.kind !== "repeat") continue;
      const own = (statement.counts ? statement.element : undefined) ?? statement.index;
      this.loopIndices.set(statement.loop, own === undefined ? (free[0] ?? "round_") : pythonName(own));
      this.nameIndices(statement.body, own === undefined ? free.slice(1) : free);
    }
  }

  /** Whether an attribute of a module is another thing than its child by that name. */
  clashes(name: string, owner: string): boolean {
    return isOfModules(name) || !isIdentifier(name) || (owner === this.methodsOwner && this.methods.has(name));
  }

  /** The expression that reads a child. */
  child(owner: string, name: string): string {
    return this.clashes(name, owner) ? `${owner}._modules[${JSON.stringify(name)}]` : `${owner}.${name}`;
  }
}

/** Known values to text, told what they read. */
export class KnownWriter {
  /** Where tables stand, if not where they are read. */
  table: ((rows: string) => string) | undefined;
  private uses = new Set<string>();
  private readonly names: Names;

  constructor(context: BlockContext, half: Half) {
    this.names = {
      table: (rows) => {
        const name = this.table?.(rows);
        if (name !== undefined) this.uses.add(localKey(name));
        return name ?? rows;
      },
      name: ({ name, of }) => {
        switch (of) {
          case "local":
            this.uses.add(localKey(name));
            return pythonName(name);
          case "dim":
            this.uses.add(dimKey(name));
            return half.dim(name);
          case "parameter":
            this.uses.add(parameterKey(name));
            return half.parameter(name);
          case "global":
            this.uses.add(globalKey(name));
            return half.global(name);
        }
      },
      index: (loop) => {
        this.uses.add(indexKey(loop));
        const index = context.loopIndices.get(loop);
        if (index === undefined) throw new Error(`torch: a table by a loop that is not around it, in ${context.block.name}`);
        return index;
      },
    };
  }

  use(key: string): void {
    this.uses.add(key);
  }

  text(known: Known): Text {
    return knownText(known, this.names);
  }

  plain(known: Known): string {
    return within(this.text(known), 0);
  }

  /** Levels as an f-string where something of them is worked out. */
  string(levels: Levels): string {
    if (levels.holes.length === 0) return JSON.stringify(levels.texts.join(""));
    const holes = levels.holes.map((hole) => `{${this.plain(hole).replaceAll('"', "'")}}`);
    return `f"${levels.texts.map((text, i) => text + (holes[i] ?? "")).join("")}"`;
  }

  /** A line of what was asked for since the last. */
  line(text: string, sets?: string, comment?: string): Line {
    return { kind: "line", text, uses: this.taken(), sets: sets === undefined ? undefined : localKey(sets), comment };
  }

  taken(): Set<string> {
    const uses = this.uses;
    this.uses = new Set();
    return uses;
  }
}

/** Each level of a path by itself. */
export function levelsOf({ texts, holes }: Levels): Levels[] {
  const levels: { texts: string[]; holes: Known[] }[] = [{ texts: [""], holes: [] }];
  for (const [i, text] of texts.entries()) {
    const [first = "", ...others] = text.split(".");
    const last = levels.at(-1);
    if (last !== undefined) last.texts[last.texts.length - 1] += first;
    for (const other of others) levels.push({ texts: [other], holes: [] });
    const hole = holes[i];
    const open = levels.at(-1);
    if (hole === undefined || open === undefined) continue;
    open.holes.push(hole);
    open.texts.push("");
  }
  return levels;
}

export function joined(one: Levels | undefined, other: Levels): Levels {
  if (one === undefined) return other;
  if (other.holes.length === 0 && other.texts.join("") === "") return one;
  const [last = "", first = ""] = [one.texts.at(-1), other.texts[0]];
  const texts = [...one.texts.slice(0, -1), `${last}.${first}`, ...other.texts.slice(1)];
  return { texts, holes: [...one.holes, ...other.holes] };
}

function namesOf(statements: readonly CodeStatement[]): string[] {
  return statements.flatMap((statement) => {
    switch (statement.kind) {
      case "set":
      case "bind":
        return [statement.name];
      case "if":
        return [...namesOf(statement.yes), ...namesOf(statement.no)];
      case "repeat":
        return [
          ...(statement.element === undefined ? [] : [statement.element]),
          ...(statement.index === undefined ? [] : [statement.index]),
          ...namesOf(statement.body),
        ];
      default:
        return [];
    }
  });
}
