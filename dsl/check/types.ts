/** Type nodes to what they say of a value, with their names, numbers of axes and element types checked. */

import type { Expression, NamedTypeNode, RecordTypeNode, TypeNode } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { never } from "../never.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { checkInt } from "./expressions.ts";
import { bool, float, int, list, type StaticType, string, tensor, unknown } from "./static-type.ts";

const dtypes = ["float", "f32", "f16", "i32"];

/** Checks a type where it is written, and says what it says of a value; `names` are those that its axes may use. */
export function checkType(context: Context, type: TypeNode, names: Names): StaticType {
  checkNames(context, type, names);
  return staticTypeOf(context, type, names.file);
}

function checkNames(context: Context, type: TypeNode, names: Names): void {
  switch (type.kind) {
    case "scalar-type":
    case "literal-type":
      return;
    case "list-type":
      return checkNames(context, type.element, names);
    case "record-type":
      checkRecordType(context, type, names);
      return;
    case "tensor-type":
      if (!dtypes.includes(type.dtype.name)) {
        context.report("unknown-dtype", type.dtype.span, { name: type.dtype.name }, hintNearest(nearest(type.dtype.name, dtypes)));
      }
      for (const axis of type.axes) checkInt(context, axis, names);
      return;
    case "named-type":
      return checkNamedType(context, type, names);
    default:
      return never(type);
  }
}

function checkRecordType(context: Context, type: RecordTypeNode, names: Names): void {
  const seen = new Set<string>();
  for (const { name, type: of } of type.fields) {
    if (seen.has(name.name)) context.report("repeated-field", name.span, { name: name.name });
    seen.add(name.name);
    checkNames(context, of, names);
  }
}

function checkNamedType(context: Context, type: NamedTypeNode, names: Names): void {
  const name = type.name.name;
  const declared = context.read(name, names.file);
  if (declared?.declaration.kind !== "type") {
    return context.reportUnknown("unknown-type", type.name, () => {
      const types = [...context.namesOf(names.file)].filter((other) => context.declared(other, names.file)?.declaration.kind === "type");
      return hintNearest(nearest(name, [...types, "Tensor", "int", "float", "bool", "string"]));
    });
  }
  const { parameters } = declared.declaration;
  if (parameters.length !== type.arguments.length) {
    const holes = { name, expected: parameters.length, found: type.arguments.length };
    const shown = parameters.length === 0 ? name : `${name}<${parameters.map((parameter) => parameter.name).join(", ")}>`;
    context.report("type-arguments", type.span, holes, { hint: `write \`${shown}\`` });
  }
  for (const argument of type.arguments) checkInt(context, argument, names);
}

/** What a type says of a value, without checking it: its own file does that. */
export function staticTypeOf(context: Context, type: TypeNode, file: string): StaticType {
  switch (type.kind) {
    case "scalar-type":
      return { int, float, bool, string }[type.scalar];
    case "literal-type":
      return { kind: "literal", values: type.values.map((value) => value.value) };
    case "list-type":
      return list(staticTypeOf(context, type.element, file));
    case "record-type":
      return {
        kind: "record",
        fields: new Map(type.fields.map((field) => [field.name.name, staticTypeOf(context, field.type, file)])),
      };
    case "tensor-type":
      return tensor;
    case "named-type": {
      const declared = context.declared(type.name.name, file);
      if (declared?.declaration.kind !== "type") return unknown;
      const known = context.types.get(declared.declaration) ?? staticTypeOf(context, declared.declaration.type, declared.file);
      context.types.set(declared.declaration, known);
      return known;
    }
  }
}

/** The names that stand alone as axes of a tensor type: the dims that an argument's shape binds. */
export function bareAxes(context: Context, type: TypeNode, file: string): string[] {
  const nameOf = (axis: Expression) => (axis.kind === "name" ? [axis.name] : []);
  if (type.kind === "tensor-type") return type.axes.flatMap(nameOf);
  if (type.kind !== "named-type") return [];
  const declared = context.declared(type.name.name, file);
  if (declared?.declaration.kind !== "type") return [];
  const parameters = declared.declaration.parameters.map((parameter) => parameter.name);
  return bareAxes(context, declared.declaration.type, declared.file).flatMap((axis) => {
    const argument = type.arguments[parameters.indexOf(axis)];
    return argument === undefined ? [] : nameOf(argument);
  });
}
