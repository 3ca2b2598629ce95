/** A checked program: the entry file and all it imports, with every name of every file resolved to its declaration. */

import type { BlockDeclaration, Declaration, LayoutDeclaration, ModelDeclaration, NamedDeclaration, SourceFile } from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";

/** What a name of a file stands for: a declaration and the file whose scope its body is read in. */
export interface Declared {
  readonly file: string;
  readonly declaration: NamedDeclaration;
}

/** A declaration whose weights a layout can be of. */
export interface Owner extends Declared {
  readonly declaration: BlockDeclaration | ModelDeclaration;
}

/** A layout for one block or model: of one declaration there are several where files that import it have blocks of their own by the name. */
export interface OwnedLayout {
  readonly declaration: LayoutDeclaration;
  /** In whose scope its keys are read. */
  readonly file: string;
  readonly owner: Owner;
  /** Names in its keys that its file lacks: they are those of the owner's file. */
  readonly borrowed: readonly string[];
}

export interface FileScope {
  readonly source: SourceFile;
  /** The file's own declarations and those it imports, by name. */
  readonly names: ReadonlyMap<string, Declared>;
  /** The files that it imports for their layouts. */
  readonly layouts: readonly string[];
  /** Names that may be declared where nothing could be read: errors say so, and nothing follows from them. Empty in a program. */
  readonly unknown: ReadonlySet<string>;
  /** Declarations whose bodies could not be read. Empty in a program. */
  readonly incomplete: ReadonlySet<Declaration>;
}

export interface Program {
  /** The path of the entry file, as the host names it. */
  readonly entry: string;
  readonly files: ReadonlyMap<string, FileScope>;
  readonly layouts: readonly OwnedLayout[];
}

/** Why a file that is there has no text, in one sentence that names it, and the way out. */
export interface Unreadable {
  readonly unreadable: string;
  readonly hint: string;
}

/** How the language reads files: the one door to the outside. `resolve` turns a relative import into a path, `read` gives its text, or nothing where there is no file. */
export interface Host {
  read(path: string): string | Unreadable | undefined;
  resolve(from: string, relative: string): string;
}

/** `program` is absent exactly where the diagnostics hold an error: warnings withhold nothing. */
export interface CheckResult {
  readonly program: Program | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** All texts that were read, for rendering. */
  readonly texts: ReadonlyMap<string, string>;
}
