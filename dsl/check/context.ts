/** What every check of a program shares: the files, the ops, and where diagnostics go. */

import type { CallExpression, ConstDeclaration, Identifier, Span, TypeDeclaration } from "../ast.ts";
import { type Diagnostic, mostErrors } from "../diagnostic.ts";
import type { Declared, FileScope } from "../program.ts";
import type { OpSignature } from "../signature.ts";
import { tooManyErrors } from "../syntax-messages.ts";
import { checkDiagnostic } from "./messages.ts";
import { type StaticType, unknown } from "./static-type.ts";

/** The forms of the language that are called like ops: one tensor and the axes that it shall have. */
export const layoutForms: readonly OpSignature[] = (["view", "arrange", "expand"] as const).map((name) => ({
  name,
  inputs: [{ name: "x" }],
  attributes: [{ name: "axes", kind: "ints" }],
  ownsWeights: false,
  doc: {
    view: "The same elements in the same order under other axes.",
    arrange: "Reorders and merges axes by the names in the value's type.",
    expand: "As `arrange`, and repeats the value along axes that it lacks.",
  }[name],
}));

/** The checks that expressions need and that themselves check expressions; given in, so that files do not import each other. */
export interface Rules {
  readonly callType: (context: Context, call: CallExpression, names: Names) => StaticType;
  /** The type of a file's dim, param or const; undefined for declarations that are no values. */
  readonly declaredType: (context: Context, name: string, file: string) => StaticType | undefined;
}

/** Ends a check that has found more errors than are shown; never leaves `check`. */
export class EnoughErrors extends Error {}

export class Context {
  readonly diagnostics: Diagnostic[] = [];
  readonly files: ReadonlyMap<string, FileScope>;
  readonly ops: ReadonlyMap<string, OpSignature>;
  readonly rules: Rules;
  private readonly reads = new Set<string>();
  /** All that bodies, blocks and models declare, and what of it is read. */
  readonly locals: Binding[] = [];
  private readonly readLocals = new Set<Binding>();
  private readonly places = new Set<string>();
  /** Names that a file uses and nothing declares. */
  private readonly lacking = new Set<string>();
  private errors = 0;
  private warnings = 0;
  /** What `type` declarations say of values, found when first asked for. */
  readonly types = new Map<TypeDeclaration, StaticType>();
  /** Types of file-level consts, found in an order in which each follows those that it is made of. */
  readonly constants = new Map<ConstDeclaration, StaticType>();

  constructor(files: ReadonlyMap<string, FileScope>, ops: readonly OpSignature[], rules: Rules) {
    this.files = files;
    this.rules = rules;
    this.ops = new Map([...ops, ...layoutForms].map((op) => [op.name, op]));
  }

  /** Adds a diagnostic, unless one of the same place is there: the first is the cause, later ones mostly follow from it. */
  report(...diagnostic: Parameters<typeof checkDiagnostic>): void {
    const [, span] = diagnostic;
    const place = `${span.file} ${span.start} ${span.end}`;
    if (this.places.has(place)) return;
    this.places.add(place);
    const made = checkDiagnostic(...diagnostic);
    if (made.severity === "error" && ++this.errors > mostErrors) {
      this.diagnostics.push(tooManyErrors(span));
      throw new EnoughErrors();
    }
    if (made.severity === "warning" && ++this.warnings > mostErrors) {
      if (this.warnings === mostErrors + 1) this.diagnostics.push(checkDiagnostic("too-many-warnings", span, { limit: mostErrors }));
      return;
    }
    this.diagnostics.push(made);
  }

  get failed(): boolean {
    return this.errors > 0;
  }

  declared(name: string, file: string): Declared | undefined {
    return this.files.get(file)?.names.get(name);
  }

  textAt({ file, start, end }: Span): string {
    return this.files.get(file)?.source.text.slice(start, end) ?? "";
  }

  /** Whether a name that a file lacks may be one that could not be read: then nothing is said of it. */
  isUnknown(name: string, file: string): boolean {
    return this.files.get(file)?.unknown.has(name) ?? false;
  }

  /** Reports a name that nothing declares, once a file: what mends one of its uses mends them all. `behind` is the file that was asked after its own. */
  reportUnknown(
    code: "unknown-name" | "unknown-call" | "unknown-type" | "not-laid-out",
    { name, span }: Identifier,
    otherwise: () => { readonly hint?: string },
    behind?: string,
  ): void {
    const lacking = `${span.file} ${name} ${behind ?? ""}`;
    if (this.lacking.has(lacking) || this.isUnknown(name, span.file) || (behind !== undefined && this.isUnknown(name, behind))) return;
    this.lacking.add(lacking);
    const holes = behind === undefined ? { name } : { name, in: { file: span.file, behind } };
    this.report(code, span, holes, this.hintImport(name, span.file) ?? otherwise());
  }

  /** For a name that a file lacks and another of the program declares. */
  hintImport(name: string, file: string): { hint: string } | undefined {
    const source = this.files.get(file)?.source;
    for (const [path, other] of this.files) {
      const declared = other.names.get(name);
      if (path === file || declared?.file !== path || declared.declaration.kind === "model") continue;
      const known = source?.declarations.find(
        (declaration) =>
          declaration.kind === "import" && declaration.names.some((imported) => this.declared(imported.name, file)?.file === path),
      );
      const how = known?.kind === "import" ? `\`import { ${name} } from "${known.path.value}";\`` : "import it from there";
      return { hint: `${path} declares the ${declared.declaration.kind} \`${name}\`: ${how}` };
    }
    return undefined;
  }

  /** What a name stands for where its value, block or type is used: that use is remembered. */
  read(name: string, file: string): Declared | undefined {
    const declared = this.declared(name, file);
    if (declared !== undefined) this.reads.add(`${file}\n${name}`);
    return declared;
  }

  /** Whether a name of a file's scope is used in that file. */
  isRead(name: string, file: string): boolean {
    return this.reads.has(`${file}\n${name}`);
  }

  readLocal(local: Binding): void {
    this.readLocals.add(local);
  }

  isLocalRead(local: Binding): boolean {
    return this.readLocals.has(local);
  }

  /** Checks what is no use of some locals: a variable's own next value, the type that binds a dim. */
  withoutReading<T>(locals: readonly Binding[], check: () => T): T {
    const unread = locals.filter((local) => !this.readLocals.has(local));
    const found = check();
    for (const local of unread) this.readLocals.delete(local);
    return found;
  }

  namesOf(file: string): Iterable<string> {
    return this.files.get(file)?.names.keys() ?? [];
  }
}

export interface Binding {
  readonly type: StaticType;
  /** What the name is, for "cannot be assigned": only a `let` can. */
  readonly kind: "let" | "const" | "parameter" | "graph input" | "dim" | "weight" | "element of `repeat`" | "argument" | "hole";
  readonly name: string;
  /** The dims that no other parameter binds. */
  readonly binds?: readonly Binding[];
  readonly span: Span;
}

/** The names of a body, inner to outer. */
export class Names {
  private readonly bindings = new Map<string, Binding>();
  readonly file: string;
  /** The file that has what the first lacks: of a layout, that of its block. */
  readonly behind: string | undefined;
  private readonly parent: Names | undefined;

  constructor(file: string, more: { readonly parent?: Names; readonly behind?: string | undefined } = {}) {
    this.file = file;
    this.parent = more.parent;
    this.behind = more.behind === file ? undefined : more.behind;
  }

  inner(): Names {
    return new Names(this.file, { parent: this, behind: this.behind });
  }

  /** The file in whose scope a name is looked up that no body declares. */
  fileOf(context: Context, name: string): string {
    return this.behind === undefined || context.declared(name, this.file) !== undefined ? this.file : this.behind;
  }

  lookUp(name: string): Binding | undefined {
    return this.bindings.get(name) ?? this.parent?.lookUp(name);
  }

  all(): string[] {
    return [...this.bindings.keys(), ...(this.parent?.all() ?? [])];
  }

  /** Declares a name; twice in one body is an error, and so is a name of the bodies around it: what is meant for that would go nowhere. */
  declare(context: Context, name: Identifier, binding: Pick<Binding, "type" | "kind" | "binds">): void {
    const first = this.bindings.get(name.name);
    const outer = this.parent?.lookUp(name.name);
    if (first !== undefined) {
      const related = [{ message: `\`${name.name}\` declared here first`, span: first.span }];
      context.report("duplicate-name", name.span, { name: name.name }, { related });
    } else if (outer !== undefined) {
      const related = [{ message: `\`${name.name}\` declared here`, span: outer.span }];
      const assignable = outer.kind === "let" && (binding.kind === "let" || binding.kind === "const");
      const hint = assignable ? `to change it, assign: \`${name.name} = …;\`, or use another name` : "use another name";
      context.report("shadowed-name", name.span, { name: name.name, kind: outer.kind }, { hint, related });
    } else this.warnHidden(context, name, binding.kind);
    const type = outer === undefined ? binding.type : unknown;
    const made = { ...binding, ...name, type };
    this.bindings.set(name.name, made);
    context.locals.push(made);
  }

  /** Signatures may say again what the file has: parameters and the dims in `<>` are given by each call. */
  private warnHidden(context: Context, name: Identifier, kind: Binding["kind"]): void {
    const hidden = context.declared(name.name, this.fileOf(context, name.name))?.declaration;
    if (
      kind === "parameter" ||
      kind === "graph input" ||
      kind === "dim" ||
      kind === "argument" ||
      (hidden?.kind !== "dim" && hidden?.kind !== "param" && hidden?.kind !== "const")
    )
      return;
    const related = [{ message: `\`${name.name}\` declared here`, span: hidden.name.span }];
    context.report("hidden-value", name.span, { name: name.name, kind: hidden.kind }, { hint: "use another name", related });
  }
}

export function hintNearest(guess: string | undefined): { hint?: string } {
  return guess === undefined ? {} : { hint: `did you mean \`${guess}\`?` };
}
