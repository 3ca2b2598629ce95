/** A program to the layouts that it declares, by what they are of and by name. */

import type { Declaration, LayoutDeclaration, LayoutEntry, ModelDeclaration, Program } from "../../../dsl/index.ts";
import { PathTree } from "./path-tree.ts";

/** One layout, ready to be looked up in. */
export interface DeclaredLayout {
  readonly declaration: LayoutDeclaration;
  /** In whose scope its keys are read. */
  readonly file: string;
  readonly paths: PathTree;
  readonly drops: readonly Extract<LayoutEntry, { readonly kind: "drop" }>[];
}

export class DeclaredLayouts {
  readonly all: readonly DeclaredLayout[];
  private readonly byOwner = new Map<Declaration, Map<string, DeclaredLayout>>();

  constructor(program: Program) {
    const all: DeclaredLayout[] = [];
    for (const [file, { source, names }] of program.files) {
      for (const declaration of source.declarations) {
        if (declaration.kind !== "layout") continue;
        const owner = names.get(declaration.of.name)?.declaration;
        if (owner === undefined) throw new Error(`layouts: nothing is called ${declaration.of.name}, which check should have found`);
        const { entries } = declaration;
        const drops = entries.filter((entry) => entry.kind === "drop");
        const layout = { declaration, file, paths: new PathTree(entries.filter((entry) => entry.kind === "keys")), drops };
        const named = this.byOwner.get(owner) ?? new Map();
        this.byOwner.set(owner, named);
        for (const { name } of declaration.names) named.set(name, layout);
        all.push(layout);
      }
    }
    this.all = all;
  }

  /** The layouts that a model has. */
  namesOf(model: ModelDeclaration): readonly string[] {
    return [...(this.byOwner.get(model)?.keys() ?? [])];
  }

  ofAnyName(owner: Declaration): readonly DeclaredLayout[] {
    return [...new Set(this.byOwner.get(owner)?.values() ?? [])];
  }

  of(owner: Declaration, name: string): DeclaredLayout | undefined {
    return this.byOwner.get(owner)?.get(name);
  }
}
