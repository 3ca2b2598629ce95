/** Types that `type` declares to where `_` stands in them, and where it may be given to them. */

import { isAnyAxis } from "../any-axis.ts";
import type { Expression, Identifier, TypeDeclaration, TypeNode } from "../ast.ts";
import { partsOf } from "../walk.ts";
import type { Context } from "./context.ts";

interface PlacedType {
  readonly file: string;
  readonly declaration: TypeDeclaration;
}

/** Found once for each `type`, however often others are made of it. */
const having = new WeakMap<TypeNode, boolean>();
const taking = new WeakMap<Identifier, boolean>();

/** Whether a type has an axis `_`, through `type` declarations too; what is given to these stands where they are named. */
export function hasAnyAxis(context: Context, type: TypeNode, file: string): boolean {
  const known = having.get(type);
  if (known !== undefined) return known;
  const found = looksAny(context, type, file);
  having.set(type, found);
  return found;
}

function looksAny(context: Context, type: TypeNode, file: string): boolean {
  switch (type.kind) {
    case "tensor-type":
      return type.axes.some(isAnyAxis);
    case "list-type":
      return hasAnyAxis(context, type.element, file);
    case "record-type":
      return type.fields.some((field) => hasAnyAxis(context, field.type, file));
    case "named-type": {
      const declared = context.declared(type.name.name, file);
      const inner = declared?.declaration.kind === "type" && hasAnyAxis(context, declared.declaration.type, declared.file);
      return inner || type.arguments.some(isAnyAxis);
    }
    case "scalar-type":
    case "literal-type":
      return false;
  }
}

/** Whether a parameter of a `type` may be `_`: wherever it stands, it is an axis by itself. */
export function takesAnyAxis(context: Context, { declaration, file }: PlacedType, parameter: Identifier): boolean {
  const known = taking.get(parameter);
  if (known !== undefined) return known;
  const found = standsAlone(context, declaration.type, file, parameter.name);
  taking.set(parameter, found);
  return found;
}

function standsAlone(context: Context, type: TypeNode, file: string, name: string): boolean {
  const isName = (axis: Expression) => axis.kind === "name" && axis.name === name;
  const mentions = (node: ReturnType<typeof partsOf>[number]): boolean =>
    (node.kind === "name" && node.name === name) || partsOf(node).some(mentions);
  switch (type.kind) {
    case "tensor-type":
      return type.axes.every((axis) => isName(axis) || !mentions(axis));
    case "list-type":
      return standsAlone(context, type.element, file, name);
    case "record-type":
      return type.fields.every((field) => standsAlone(context, field.type, file, name));
    case "named-type": {
      const declared = context.declared(type.name.name, file);
      const inner = declared?.declaration.kind === "type" ? { file: declared.file, declaration: declared.declaration } : undefined;
      return type.arguments.every((argument, i) => {
        const parameter = inner?.declaration.parameters[i];
        return isName(argument)
          ? inner === undefined || parameter === undefined || takesAnyAxis(context, inner, parameter)
          : !mentions(argument);
      });
    }
    case "scalar-type":
    case "literal-type":
      return true;
  }
}
