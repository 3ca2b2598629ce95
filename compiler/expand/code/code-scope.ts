/** The names of a block as its code has them: one name a variable, though the source may use it again in an inner scope. */

import type { NameKind } from "../../module/code.ts";

export interface CodeName {
  readonly kind: "known" | "computed" | "weight";
  readonly of: NameKind;
  readonly name: string;
}

export class CodeScope {
  private readonly names = new Map<string, CodeName>();
  private readonly parent: CodeScope | undefined;
  private readonly taken: Set<string>;

  constructor(parent?: CodeScope) {
    this.parent = parent;
    this.taken = parent?.taken ?? new Set();
  }

  /** A name of the signature. */
  bind(name: string, kind: CodeName["kind"], of: NameKind): void {
    this.taken.add(name);
    this.names.set(name, { kind, of, name });
  }

  /** A variable, under a name that no other of the block has; the source's own comes again where scopes lie side by side. */
  declare(name: string, kind: CodeName["kind"]): string {
    let own = name;
    for (let i = 2; this.lookUp(name) !== undefined && this.taken.has(own); i++) own = `${name}${i}`;
    this.taken.add(own);
    this.names.set(name, { kind, of: "local", name: own });
    return own;
  }

  lookUp(name: string): CodeName | undefined {
    return this.names.get(name) ?? this.parent?.lookUp(name);
  }
}
