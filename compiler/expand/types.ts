/** Type nodes to what they mean: the axes of a tensor type as expressions still to be evaluated, and whether a value fits a type. */

import type { Expression, NamedTypeNode, Program, TypeNode } from "../../dsl/index.ts";
import type { DType } from "../graph/graph.ts";
import type { Static } from "./static.ts";

/** An axis of a type with the file that its names are read in, and what the parameters of a `type` stand for. */
export interface AxisExpression {
  readonly expression: Expression;
  readonly file: string;
  /** Absent for an axis that stands in the block's own signature, which may use the block's dims and parameters. */
  readonly parameters: ReadonlyMap<string, AxisExpression> | undefined;
}

export interface TensorShape {
  readonly dtype: string;
  readonly axes: readonly AxisExpression[];
}

/** A type with the file that its names are read in, and what the parameters of the `type` that it stands in are. */
export interface PlacedType {
  readonly type: TypeNode;
  readonly file: string;
  readonly parameters?: ReadonlyMap<string, AxisExpression> | undefined;
}

/** What a type says of a value, one level deep: types share parts, and written out they may be more than any memory holds. */
export type Form =
  | { readonly kind: "tensor"; readonly shape: TensorShape }
  | { readonly kind: "list"; readonly element: PlacedType }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, PlacedType> }
  /** No tensor is in it. */
  | { readonly kind: "known" };

const noParameters: ReadonlyMap<string, AxisExpression> = new Map();

/** A signature's types are asked for at every call of its block: once is enough. Nodes belong to one file of one program. */
const forms = new WeakMap<TypeNode, Form>();

/** What a type that stands in a signature says. */
export function signatureForm(program: Program, type: TypeNode, file: string): Form {
  const known = forms.get(type) ?? readForm(program, { type, file });
  forms.set(type, known);
  return known;
}

/** The shape of a type that stands in a signature; undefined where it is no tensor's. */
export function signatureShape(program: Program, type: TypeNode, file: string): TensorShape | undefined {
  const form = signatureForm(program, type, file);
  return form.kind === "tensor" ? form.shape : undefined;
}

/** What a type says, wherever it stands. */
export function formOf(program: Program, placed: PlacedType): Form {
  return placed.parameters === undefined ? signatureForm(program, placed.type, placed.file) : readForm(program, placed);
}

/** Follows `type` declarations down to what they stand for. */
function readForm(program: Program, { type, file, parameters }: PlacedType): Form {
  const axis = (expression: Expression): AxisExpression => {
    if (expression.kind === "name") {
      const bound = parameters?.get(expression.name);
      if (bound !== undefined) return bound;
      if (parameters !== undefined) return { expression, file, parameters: noParameters };
    }
    return { expression, file, parameters };
  };
  if (!holdsTensors(program, type, file)) return { kind: "known" };
  switch (type.kind) {
    case "tensor-type":
      return { kind: "tensor", shape: { dtype: type.dtype.name, axes: type.axes.map(axis) } };
    case "list-type":
      return { kind: "list", element: { type: type.element, file, parameters } };
    case "record-type":
      return { kind: "record", fields: new Map(type.fields.map((field) => [field.name.name, { type: field.type, file, parameters }])) };
    case "named-type": {
      const declared = declaredType(program, type, file);
      if (declared === undefined) return { kind: "known" };
      const bindings = new Map(declared.parameters.map((name, i) => [name.name, axis(argumentAt(type, i))]));
      return readForm(program, { type: declared.type, file: declared.file, parameters: bindings });
    }
    case "scalar-type":
    case "literal-type":
      return { kind: "known" };
  }
}

const holding = new WeakMap<TypeNode, boolean>();

function holdsTensors(program: Program, type: TypeNode, file: string): boolean {
  const known = holding.get(type) ?? looksForTensors(program, type, file);
  holding.set(type, known);
  return known;
}

function looksForTensors(program: Program, type: TypeNode, file: string): boolean {
  switch (type.kind) {
    case "tensor-type":
      return true;
    case "list-type":
      return holdsTensors(program, type.element, file);
    case "record-type":
      return type.fields.some((field) => holdsTensors(program, field.type, file));
    case "named-type": {
      const declared = declaredType(program, type, file);
      return declared !== undefined && holdsTensors(program, declared.type, declared.file);
    }
    case "scalar-type":
    case "literal-type":
      return false;
  }
}

function declaredType(program: Program, type: NamedTypeNode, file: string) {
  const declared = program.files.get(file)?.names.get(type.name.name);
  return declared?.declaration.kind === "type" ? { ...declared.declaration, file: declared.file } : undefined;
}

function argumentAt(type: NamedTypeNode, index: number): Expression {
  const argument = type.arguments[index];
  if (argument === undefined) throw new Error(`expand: type ${type.name.name} has too few arguments, which check should have found`);
  return argument;
}

export function dtypeOf(name: string, precision: "f32" | "f16"): DType {
  if (name === "float") return precision;
  if (name === "f32" || name === "f16" || name === "i32") return name;
  throw new Error(`expand: unknown dtype ${name}, which check should have found`);
}

/** Whether a compile-time value is of a type; types of tensors never fit. */
export function fits(program: Program, value: Static, type: TypeNode, file: string): boolean {
  if (value.kind !== "list" && value.kind !== "record") return fitsForm(program, value, type, file);
  // Parts may be shared: each is looked at once, not once for each way to it. A node of a type stands in one file of one program.
  const of = fitting.get(value) ?? new WeakMap<TypeNode, boolean>();
  fitting.set(value, of);
  const known = of.get(type) ?? fitsForm(program, value, type, file);
  of.set(type, known);
  return known;
}

const fitting = new WeakMap<Static, WeakMap<TypeNode, boolean>>();

function fitsForm(program: Program, value: Static, type: TypeNode, file: string): boolean {
  switch (type.kind) {
    case "scalar-type":
      return value.kind === type.scalar || (type.scalar === "float" && value.kind === "int");
    case "literal-type":
      return value.kind === "string" && type.values.some((literal) => literal.value === value.value);
    case "list-type":
      return value.kind === "list" && value.items.every((item) => fits(program, item, type.element, file));
    case "record-type":
      return (
        value.kind === "record" &&
        value.fields.size === type.fields.length &&
        type.fields.every((field) => {
          const found = value.fields.get(field.name.name);
          return found !== undefined && fits(program, found, field.type, file);
        })
      );
    case "named-type": {
      const declared = program.files.get(file)?.names.get(type.name.name);
      return declared?.declaration.kind === "type" && fits(program, value, declared.declaration.type, declared.file);
    }
    case "tensor-type":
      return false;
  }
}

/** A type as it is written, for messages. */
export function showType(type: TypeNode): string {
  switch (type.kind) {
    case "scalar-type":
      return `${type.scalar === "int" ? "an" : "a"} ${type.scalar}`;
    case "literal-type":
      return `one of ${type.values.map((literal) => JSON.stringify(literal.value)).join(", ")}`;
    case "list-type":
      return `a list, each ${showType(type.element)}`;
    case "record-type":
      return `a record { ${type.fields.map((field) => field.name.name).join(", ")} }`;
    case "named-type":
      return `a ${type.name.name}`;
    case "tensor-type":
      return "a tensor";
  }
}
