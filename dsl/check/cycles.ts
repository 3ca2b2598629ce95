/** Declarations to an order in which each follows what it is made of, or to errors where it is made of itself. */

import type { ConstDeclaration, DimDeclaration, Identifier, ParamDeclaration, TypeDeclaration, TypeNode } from "../ast.ts";
import type { Expression } from "../expressions.ts";
import { mostNestedTypes } from "../nesting.ts";
import { partsOf } from "../walk.ts";
import type { Context } from "./context.ts";

export interface Placed<D> {
  readonly file: string;
  readonly declaration: D;
}

export type ValueDeclaration = DimDeclaration | ParamDeclaration | ConstDeclaration;

/** Follows declarations to what they are made of, without recursion: chains may be as long as a program. */
export function inOrder<D extends { readonly name: Identifier }>(
  roots: readonly Placed<D>[],
  madeOf: (placed: Placed<D>) => readonly Placed<D>[],
  reportCycle: (cycle: readonly D[]) => void,
): Placed<D>[] {
  const order: Placed<D>[] = [];
  const states = new Map<D, "open" | "done">();
  for (const root of roots) {
    const trail: { readonly placed: Placed<D>; readonly parts: readonly Placed<D>[]; next: number }[] = [];
    const enter = (placed: Placed<D>) => {
      states.set(placed.declaration, "open");
      trail.push({ placed, parts: madeOf(placed), next: 0 });
    };
    if (!states.has(root.declaration)) enter(root);
    for (let last = trail.at(-1); last !== undefined; last = trail.at(-1)) {
      const part = last.parts[last.next++];
      if (part === undefined) {
        states.set(last.placed.declaration, "done");
        order.push(last.placed);
        trail.pop();
      } else if (!states.has(part.declaration)) enter(part);
      else if (states.get(part.declaration) === "open") {
        const from = trail.findIndex(({ placed }) => placed.declaration === part.declaration);
        reportCycle([...trail.slice(from).map(({ placed }) => placed.declaration), part.declaration]);
      }
    }
  }
  return order;
}

export function chainOf(cycle: readonly { readonly name: Identifier }[]): string {
  return cycle.map((link) => link.name.name).join(" → ");
}

/** The dims, params and consts of all files, each behind those that its value names. */
export function valuesInOrder(context: Context, values: readonly Placed<ValueDeclaration>[]): Placed<ValueDeclaration>[] {
  const madeOf = ({ file, declaration }: Placed<ValueDeclaration>): Placed<ValueDeclaration>[] => {
    const found: Placed<ValueDeclaration>[] = [];
    const visit = (expression: Expression): void => {
      const declared = expression.kind === "name" ? context.declared(expression.name, file) : undefined;
      const of = declared?.declaration;
      if (declared !== undefined && (of?.kind === "dim" || of?.kind === "param" || of?.kind === "const")) {
        found.push({ file: declared.file, declaration: of });
      }
      for (const part of partsOf(expression)) visit(part as Expression);
    };
    visit(declaration.value);
    return found;
  };
  return inOrder(values, madeOf, (cycle) => {
    const [first] = cycle;
    if (first !== undefined) context.report("constant-cycle", first.name.span, { chain: chainOf(cycle) });
  });
}

/** Reports each `type` that is made of itself, or that nests too deep through others: all that follows types down goes by them. */
export function checkTypeCycles(context: Context, types: readonly Placed<TypeDeclaration>[]): void {
  const named = ({ file, declaration }: Placed<TypeDeclaration>) =>
    namedIn(declaration.type).flatMap(({ name, depth }) => {
      const declared = context.declared(name, file);
      return declared?.declaration.kind === "type" ? [{ file: declared.file, declaration: declared.declaration, depth }] : [];
    });
  const order = inOrder(types, named, (cycle) => {
    const [first] = cycle;
    if (first !== undefined) context.report("type-cycle", first.name.span, { chain: chainOf(cycle) });
  });
  const heights = new Map<TypeDeclaration, number>();
  for (const placed of order) {
    const { declaration } = placed;
    let height = 1;
    for (const part of named(placed)) height = Math.max(height, part.depth + (heights.get(part.declaration) ?? 0));
    if (height > mostLinks) {
      const what = `type \`${declaration.name.name}\``;
      context.report("too-nested", declaration.name.span, { what, limit: mostLinks, of: "names, lists and records" });
    }
    // What is made of a type that is too deep is not said to be so again.
    heights.set(declaration, height > mostLinks ? 0 : height);
  }
}

/** Each name that leads to a list counts as well as the list. */
const mostLinks = 2 * mostNestedTypes;

function namedIn(type: TypeNode, depth = 1): { readonly name: string; readonly depth: number }[] {
  if (type.kind === "list-type") return namedIn(type.element, depth + 1);
  if (type.kind === "record-type") return type.fields.flatMap((field) => namedIn(field.type, depth + 1));
  return type.kind === "named-type" ? [{ name: type.name.name, depth }] : [];
}
