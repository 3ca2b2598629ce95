/** The layouts of a program to what is wrong with them, configuration by configuration, and to what of them no configuration has a use for. */

import { type Diagnostic, type LayoutDeclaration, PathReach, type Program } from "../../../dsl/index.ts";
import type { Configuration } from "../configure.ts";
import { expandDiagnostic } from "../messages.ts";
import type { Body } from "../parts.ts";
import { Covered } from "./covered.ts";
import { DeclaredLayouts } from "./declared.ts";
import { noUse, readLayouts } from "./layouts.ts";
import type { KeysEntry } from "./path-tree.ts";

export class LayoutCheck {
  private readonly program: Program;
  private readonly declared: DeclaredLayouts;
  private readonly use = noUse();
  private readonly covered: Covered;

  constructor(program: Program) {
    this.program = program;
    this.declared = new DeclaredLayouts(program);
    this.covered = new Covered(this.declared);
  }

  errors(configuration: Configuration, bodies: readonly Body[]): readonly Diagnostic[] {
    if (this.declared.namesOf(configuration.model).length === 0) return [];
    const ground = this.covered.groundOf(bodies);
    if (this.covered.has(configuration, ground)) return [];
    const reads = new Set<string>();
    const read = readLayouts({ ...configuration, reads }, bodies, this.declared, this.use);
    if (!read.ok) return read.diagnostics;
    this.covered.add(configuration, reads, ground, read.value);
    return [];
  }

  /** When all configurations have been read. What stands in a library, other models may have a use for; a file without a model is one. */
  unused(): readonly Diagnostic[] {
    const { entry, files } = this.program;
    const scope = files.get(entry);
    const declarations = scope?.source.declarations ?? [];
    if (!declarations.some(({ kind }) => kind === "model")) return [];
    const imports = declarations.filter((one) => one.kind === "import").filter(({ layouts }) => layouts);
    const imported = imports.flatMap(({ path }, i): readonly Diagnostic[] => {
      const file = scope?.layouts[i] ?? "";
      const own = this.ofFile(file);
      // What would lead to the others may be among those that are of nothing here, which has been said.
      if (files.get(file)?.source.declarations.some((one) => one.kind === "layout" && !own.includes(one))) return [];
      if (own.some((layout) => this.use.layouts.has(layout))) return own.flatMap((layout) => this.unusedOf(layout));
      const hint = "names that it does not import are looked up here: leave out of its imports what this file has itself";
      return [expandDiagnostic("unused-layouts", path.span, { file }, { hint })];
    });
    return [...this.ofFile(entry).flatMap((layout) => this.unusedOf(layout)), ...imported];
  }

  private ofFile(file: string): readonly LayoutDeclaration[] {
    return [...new Set(this.declared.all.filter((layout) => layout.file === file).map(({ declaration }) => declaration))];
  }

  private unusedOf(layout: LayoutDeclaration): readonly Diagnostic[] {
    const { names, of, entries } = layout;
    if (!this.use.layouts.has(layout)) {
      const layouts = names.map(({ name }) => `\`${name}\``).join(", ");
      const hint = `give the model one that leads there: \`layout ${names[0]?.name} of Model { label: "key" }\``;
      return [expandDiagnostic("unused-layout", of.span, { of: of.name, layouts }, { hint })];
    }
    return entries.flatMap((entry) => {
      if (entry.kind === "drop" || this.use.entries.has(entry) || !this.isPath(layout, entry)) return [];
      const { texts, holes } = entry.path;
      const path = texts.map((text, i) => text + (holes[i]?.kind === "name" ? `{${holes[i].name}}` : "")).join("");
      return [expandDiagnostic("unmatched-path", entry.path.span, { of: of.name, path }, { hint: "delete it" })];
    });
  }

  /** Whether labels can make the path, in all blocks that the layout is of: of one that they cannot, that has been said. */
  private isPath(layout: LayoutDeclaration, { path }: KeysEntry): boolean {
    const declared = (name: string, from: string) => this.program.files.get(from)?.names.get(name);
    const reach = new PathReach(declared);
    const owners = this.declared.all.filter(({ declaration }) => declaration === layout).map(({ owner }) => owner);
    return owners.every((owner) => reach.follow(owner.declaration, owner.file, path).reached);
  }
}
