/** A program to the layouts that it declares, by what they are of and by name. */

import type { Declaration, LayoutEntry, ModelDeclaration, OwnedLayout, Program } from "../../../dsl/index.ts";
import { PathTree } from "./path-tree.ts";

/** One layout, ready to be looked up in. */
export interface DeclaredLayout extends OwnedLayout {
  readonly paths: PathTree;
  readonly drops: readonly Extract<LayoutEntry, { readonly kind: "drop" }>[];
}

export class DeclaredLayouts {
  readonly all: readonly DeclaredLayout[];
  private readonly byOwner = new Map<Declaration, Map<string, DeclaredLayout>>();

  constructor({ layouts }: Program) {
    this.all = layouts.map((owned) => {
      const { entries } = owned.declaration;
      const drops = entries.filter((entry) => entry.kind === "drop");
      return { ...owned, paths: new PathTree(entries.filter((entry) => entry.kind === "keys")), drops };
    });
    for (const layout of this.all) {
      const owner = layout.owner.declaration;
      const named = this.byOwner.get(owner) ?? new Map();
      this.byOwner.set(owner, named);
      for (const { name } of layout.declaration.names) named.set(name, layout);
    }
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
