/** Type nodes to what they say of a value, with their names, numbers of axes and element types checked. */

import { isAnyAxis } from "../any-axis.ts";
import type { Expression, NamedTypeNode, RecordTypeNode, TypeNode } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { never } from "../never.ts";
import { hasAnyAxis, takesAnyAxis } from "./any-axes.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { checkInt } from "./expressions.ts";
import { bool, float, int, list, type StaticType, string, tensor, unknown } from "./static-type.ts";

const dtypes = ["float", "f32", "f16", "i32"];

/** What must have axes of known sizes, in words; undefined where a value comes that has them, and `_` may stand. */
export type NeedsSizes = "an input of a graph" | "a weight" | "a param" | undefined;

/** Checks a type where it is written, and says what it says of a value; `names` are those that its axes may use. */
export function checkType(context: Context, type: TypeNode, names: Names, needs?: NeedsSizes): StaticType {
  checkNames(context, type, names, needs);
  return staticTypeOf(context, type, names.file);
}

function checkNames(context: Context, type: TypeNode, names: Names, needs: NeedsSizes): void {
  switch (type.kind) {
    case "scalar-type":
    case "literal-type":
      return;
    case "list-type":
      return checkNames(context, type.element, names, needs);
    case "record-type":
      checkRecordType(context, type, names, needs);
      return;
    case "tensor-type":
      if (!dtypes.includes(type.dtype.name)) {
        context.report("unknown-dtype", type.dtype.span, { name: type.dtype.name }, hintNearest(nearest(type.dtype.name, dtypes)));
      }
      for (const axis of type.axes) checkAxis(context, axis, names, needs);
      return;
    case "named-type":
      return checkNamedType(context, type, names, needs);
    default:
      return never(type);
  }
}

function checkAxis(context: Context, axis: Expression, names: Names, what: string | undefined): void {
  if (!isAnyAxis(axis)) checkInt(context, axis, names);
  else if (what !== undefined) context.report("any-axis", axis.span, { what }, { hint: "give the axis a size or a name" });
}

function checkRecordType(context: Context, type: RecordTypeNode, names: Names, needs: NeedsSizes): void {
  const seen = new Set<string>();
  for (const { name, type: of } of type.fields) {
    if (seen.has(name.name)) context.report("repeated-field", name.span, { name: name.name });
    seen.add(name.name);
    checkNames(context, of, names, needs);
  }
}

function checkNamedType(context: Context, type: NamedTypeNode, names: Names, needs: NeedsSizes): void {
  const name = type.name.name;
  const declared = context.read(name, names.file);
  if (declared?.declaration.kind !== "type") {
    return context.reportUnknown("unknown-type", type.name, () => {
      const types = [...context.namesOf(names.file)].filter((other) => context.declared(other, names.file)?.declaration.kind === "type");
      return hintNearest(nearest(name, [...types, "Tensor", "int", "float", "bool", "string"]));
    });
  }
  const { declaration, file } = declared;
  const { parameters } = declaration;
  if (parameters.length !== type.arguments.length) {
    const holes = { name, expected: parameters.length, found: type.arguments.length };
    const shown = parameters.length === 0 ? name : `${name}<${parameters.map((parameter) => parameter.name).join(", ")}>`;
    context.report("type-arguments", type.span, holes, { hint: `write \`${shown}\`` });
  }
  for (const [i, argument] of type.arguments.entries()) {
    const parameter = parameters[i];
    const takes = parameter === undefined || takesAnyAxis(context, { file, declaration }, parameter);
    checkAxis(context, argument, names, needs ?? (takes ? undefined : `\`${name}\`, which computes with it,`));
  }
  if (needs !== undefined && hasAnyAxis(context, declaration.type, file))
    context.report("any-axis", type.span, { what: needs }, { hint: `\`${name}\` has an axis \`_\`: write a type without one` });
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

/** Whether all types that a type names are declared. */
export function namesKnown(context: Context, type: TypeNode, file: string): boolean {
  if (type.kind === "list-type") return namesKnown(context, type.element, file);
  if (type.kind === "record-type") return type.fields.every((field) => namesKnown(context, field.type, file));
  return type.kind !== "named-type" || context.declared(type.name.name, file)?.declaration.kind === "type";
}

const bare = new WeakMap<TypeNode, readonly string[]>();

/** The names that stand alone as axes of tensors in a type, each once: the dims that an argument's shapes bind. */
export function bareAxes(context: Context, type: TypeNode, file: string): readonly string[] {
  const known = bare.get(type) ?? [...new Set(findBareAxes(context, type, file))];
  bare.set(type, known);
  return known;
}

function findBareAxes(context: Context, type: TypeNode, file: string): readonly string[] {
  const nameOf = (axis: Expression) => (axis.kind === "name" && !isAnyAxis(axis) ? [axis.name] : []);
  switch (type.kind) {
    case "tensor-type":
      return type.axes.flatMap(nameOf);
    case "list-type":
      return bareAxes(context, type.element, file);
    case "record-type":
      return type.fields.flatMap((field) => bareAxes(context, field.type, file));
    case "named-type": {
      const declared = context.declared(type.name.name, file);
      if (declared?.declaration.kind !== "type") return [];
      const parameters = declared.declaration.parameters.map((parameter) => parameter.name);
      return bareAxes(context, declared.declaration.type, declared.file).flatMap((axis) => {
        const argument = type.arguments[parameters.indexOf(axis)];
        return argument === undefined ? [] : nameOf(argument);
      });
    }
    case "scalar-type":
    case "literal-type":
      return [];
  }
}
