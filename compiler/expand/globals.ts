/** The file-level names of a program to their values, with presets, ablations and options applied; each is evaluated once, when first used. */

import type { Declared, Expression, Program } from "../../dsl/index.ts";
import { constant, namedInt, type Static } from "./static.ts";

/** The identity of a declaration across files. */
export function globalKey(file: string, name: string): string {
  return `${file}\n${name}`;
}

export class Globals {
  private readonly values = new Map<string, Static>();
  private readonly program: Program;
  private readonly overrides: ReadonlyMap<string, Static>;
  private readonly evaluate: (expression: Expression, file: string) => Static;

  /** By `globalKey`, what has been read so far, where anyone asks. */
  readonly reads: Set<string> | undefined;

  /** `evaluate` reads an expression that stands outside any block; `reads` is told of each declaration that is read. */
  constructor(
    program: Program,
    overrides: ReadonlyMap<string, Static>,
    evaluate: (globals: Globals, expression: Expression, file: string) => Static,
    reads?: Set<string>,
  ) {
    this.reads = reads;
    this.program = program;
    this.overrides = overrides;
    this.evaluate = (expression, file) => evaluate(this, expression, file);
  }

  /** What others have read that this leans on. */
  addReads(reads: Iterable<string> = []): void {
    if (this.reads !== undefined) for (const key of reads) this.reads.add(key);
  }

  /** The value of a dim, param or const that a file's scope names; undefined for other names. */
  lookUp(name: string, file: string): Static | undefined {
    const declared = this.program.files.get(file)?.names.get(name);
    return declared === undefined ? undefined : this.valueOf(declared);
  }

  private valueOf({ file, declaration }: Declared): Static | undefined {
    if (declaration.kind !== "dim" && declaration.kind !== "param" && declaration.kind !== "const") return undefined;
    const name = declaration.name.name;
    const key = globalKey(file, name);
    const known = this.values.get(key);
    if (known !== undefined) return known;
    this.reads?.add(key);
    const value = this.overrides.get(key) ?? this.evaluate(declaration.value, file);
    const named = declaration.kind === "const" ? constant(name, value) : value.kind === "int" ? namedInt(name, value.value) : value;
    this.values.set(key, named);
    return named;
  }
}
