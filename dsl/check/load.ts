/** The entry file to all files that it imports, parsed, with each file's names resolved. */

import type { Declaration, Identifier, ImportDeclaration, SourceFile, Span } from "../ast.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { nearest } from "../nearest.ts";
import { parse } from "../parse.ts";
import type { Declared, FileScope, Host, Unreadable } from "../program.ts";
import { checkDiagnostic } from "./messages.ts";

export interface Loaded {
  /** Files before those that import them. */
  readonly files: ReadonlyMap<string, FileScope>;
  readonly texts: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
}

export function load(entry: string, host: Host): Loaded {
  const loader = new Loader(host);
  const text = host.read(entry);
  if (typeof text === "string") loader.visit(entry, text, []);
  else loader.diagnostics.push(absence(text, { file: entry, start: 0, end: 0 }, entry));
  loader.visitLayouts();
  return { files: loader.files, texts: loader.texts, diagnostics: loader.diagnostics };
}

function absence(found: Unreadable | undefined, span: Span, path: string, hint?: string): Diagnostic {
  if (found === undefined) return checkDiagnostic("missing-file", span, { path }, { hint });
  return checkDiagnostic("unreadable-file", span, { reason: found.unreadable }, { hint: found.hint });
}

class Loader {
  readonly files = new Map<string, FileScope>();
  readonly texts = new Map<string, string>();
  readonly diagnostics: Diagnostic[] = [];
  private readonly visited = new Set<string>();
  /** Imports of layouts, which may import what imports them: they are read when all else has been. */
  private readonly layouts: { readonly declaration: ImportDeclaration; readonly from: string }[] = [];
  private readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  visit(path: string, text: string, trail: readonly string[]): void {
    this.visited.add(path);
    this.texts.set(path, text);
    const { partial, diagnostics } = parse(path, text);
    this.diagnostics.push(...diagnostics);
    if (partial === undefined) return;
    const { source, incomplete } = partial;
    for (const declaration of source.declarations) {
      if (declaration.kind !== "import") continue;
      if (declaration.layouts) this.layouts.push({ declaration, from: path });
      else this.follow(declaration, path, [...trail, path]);
    }
    const unknown = new Set(partial.unknown);
    const layouts = source.declarations.flatMap((one) =>
      one.kind === "import" && one.layouts ? [this.host.resolve(path, one.path.value)] : [],
    );
    this.files.set(path, { source, names: this.namesOf(source, unknown), layouts, unknown, incomplete });
  }

  visitLayouts(): void {
    // Those that files of layouts import are added as they are found.
    for (const { declaration, from } of this.layouts) {
      this.follow(declaration, from, []);
      const path = this.host.resolve(from, declaration.path.value);
      const file = this.files.get(path);
      if (file === undefined || file.source.declarations.some(({ kind }) => kind === "layout")) continue;
      // One that cannot be read may be a layout.
      if (this.diagnostics.some(({ span }) => span.file === path)) continue;
      this.diagnostics.push(checkDiagnostic("no-layouts", declaration.path.span, { path }, { hint: "import its names: `import { … }`" }));
    }
  }

  private follow(declaration: ImportDeclaration, from: string, trail: readonly string[]): void {
    const path = this.host.resolve(from, declaration.path.value);
    const { span } = declaration.path;
    if (trail.includes(path)) {
      const chain = [...trail.slice(trail.indexOf(path)), path].join(" → ");
      this.diagnostics.push(checkDiagnostic("import-cycle", span, { chain }, { hint: "move what both need to a third file" }));
      return;
    }
    if (this.visited.has(path)) return;
    const relative = /^\.\.?\//.test(declaration.path.value);
    const text = relative ? this.host.read(path) : undefined;
    if (typeof text === "string") return this.visit(path, text, trail);
    const hint = relative ? undefined : `paths are relative: \`"./${declaration.path.value.replace(/^\/+/, "")}"\``;
    this.diagnostics.push(absence(text, span, relative ? path : declaration.path.value, hint));
  }

  /** Names of imports that lead nowhere are added to `unknown`. */
  private namesOf(source: SourceFile, unknown: Set<string>): ReadonlyMap<string, Declared> {
    const names = new Map<string, Declared>();
    const places = new Map<string, Identifier>();
    const add = (name: Identifier, declared: Declared) => {
      const first = places.get(name.name);
      if (first !== undefined) {
        const related = [{ message: `\`${name.name}\` declared here first`, span: first.span }];
        this.diagnostics.push(checkDiagnostic("duplicate-name", name.span, { name: name.name }, { related }));
        return;
      }
      places.set(name.name, name);
      names.set(name.name, declared);
    };
    for (const declaration of source.declarations) {
      if (declaration.kind === "import") {
        if (!declaration.layouts) this.importNames(declaration, source.path, add, unknown);
      } else if (declaration.kind !== "layout") add(declaration.name, { file: source.path, declaration });
    }
    return names;
  }

  private importNames(
    declaration: ImportDeclaration,
    from: string,
    add: (name: Identifier, declared: Declared) => void,
    unknown: Set<string>,
  ): void {
    const path = this.host.resolve(from, declaration.path.value);
    const file = this.files.get(path);
    // Absent where the file is missing, unreadable or in a circle: that has been said.
    if (file === undefined) {
      for (const { name } of declaration.names) unknown.add(name);
      return;
    }
    const own = new Map(
      file.source.declarations.flatMap((found): [string, Declaration][] =>
        found.kind === "import" || found.kind === "layout" ? [] : [[found.name.name, found]],
      ),
    );
    for (const name of declaration.names) {
      const declared = file.names.get(name.name);
      if (declared !== undefined && own.has(name.name)) {
        add(name, declared);
        continue;
      }
      unknown.add(name.name);
      if (file.unknown.has(name.name)) continue;
      const guess = nearest(
        name.name,
        [...own.keys()].filter((other) => !declaration.names.some((imported) => imported.name === other)),
      );
      // Its uses are right, as like as not.
      if (guess !== undefined) unknown.add(guess);
      const origin = declared === undefined ? undefined : `it comes from ${declared.file}: import it from there`;
      const hint = origin ?? (guess === undefined ? undefined : `did you mean \`${guess}\`?`);
      this.diagnostics.push(checkDiagnostic("not-exported", name.span, { name: name.name, path }, { hint }));
    }
  }
}
