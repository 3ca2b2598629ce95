/** What is known of an expression's value without expanding anything: the kind of tensor or compile-time value that it is. */

import type { AttributeKind } from "../signature.ts";

export type StaticType =
  | { readonly kind: "int" | "float" | "bool" | "string" | "tensor" | "unknown" }
  | { readonly kind: "literal"; readonly values: readonly string[] }
  | { readonly kind: "list"; readonly element: StaticType }
  /** What an attribute may be given; no expression is of it. */
  | { readonly kind: "either"; readonly options: readonly StaticType[] }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, StaticType> };

/** Stands for what another error has already been reported of: it fits everything. */
export const unknown: StaticType = { kind: "unknown" };
export const int: StaticType = { kind: "int" };
export const float: StaticType = { kind: "float" };
export const bool: StaticType = { kind: "bool" };
export const string: StaticType = { kind: "string" };
export const tensor: StaticType = { kind: "tensor" };

export function list(element: StaticType): StaticType {
  return { kind: "list", element };
}

export function typeOfAttribute(kind: AttributeKind): StaticType {
  if (kind === "ints") return list(int);
  if (kind === "numbers") return unknown;
  if (typeof kind === "string") return { kind };
  if ("oneOf" in kind) return { kind: "literal", values: kind.oneOf };
  const one: readonly StaticType[] = kind.perAxis.length === 0 ? [int] : [int, { kind: "literal", values: kind.perAxis }];
  return { kind: "either", options: [...one, list({ kind: "either", options: one })] };
}

/** What a type's innermost parts are. */
interface Parts {
  readonly tensors: boolean;
  /** What is known when the model is built. */
  readonly values: boolean;
}

const innermost = new WeakMap<StaticType, Parts>();

/** Types share parts, and each is looked at once. What is unknown is either. */
function partsOf(type: StaticType): Parts {
  if (type.kind !== "list" && type.kind !== "record")
    return { tensors: type.kind === "tensor", values: type.kind !== "tensor" && type.kind !== "unknown" };
  const known = innermost.get(type);
  if (known !== undefined) return known;
  const parts = (type.kind === "list" ? [type.element] : [...type.fields.values()]).map(partsOf);
  const found = { tensors: parts.some(({ tensors }) => tensors), values: parts.length === 0 || parts.some(({ values }) => values) };
  innermost.set(type, found);
  return found;
}

/** Whether a value of the type has tensors among its parts. */
export function holdsTensors(type: StaticType): boolean {
  return partsOf(type).tensors;
}

/** Whether it has nothing else: a tensor, or lists and records of tensors. */
export function isOfTensors(type: StaticType): boolean {
  return !partsOf(type).values;
}

const depths = new WeakMap<StaticType, number>();

/** How many lists and records a type has within each other. Parts are asked before what is made of them, so this does not recurse far. */
export function depthOf(type: StaticType): number {
  if (type.kind !== "list" && type.kind !== "record") return 0;
  const known = depths.get(type);
  if (known !== undefined) return known;
  let depth = 1;
  for (const part of type.kind === "list" ? [type.element] : type.fields.values()) depth = Math.max(depth, 1 + depthOf(part));
  depths.set(type, depth);
  return depth;
}

/** Whether one type fits another, for types met before: shared parts are else compared once for each way to them. */
const fitting = new WeakMap<StaticType, WeakMap<StaticType, boolean>>();

/** Whether a value of one type may stand where the other is wanted: ints are floats, a literal is a string. */
export function fits(found: StaticType, wanted: StaticType): boolean {
  if (found === wanted || found.kind === "unknown" || wanted.kind === "unknown") return true;
  if (wanted.kind === "either") return wanted.options.some((option) => fits(found, option));
  if (found.kind === "list" && wanted.kind === "list") return fits(found.element, wanted.element);
  if (found.kind === "record" && wanted.kind === "record") {
    const known = fitting.get(found)?.get(wanted);
    if (known !== undefined) return known;
    const fitted =
      found.fields.size === wanted.fields.size &&
      [...wanted.fields].every(([name, type]) => {
        const field = found.fields.get(name);
        return field !== undefined && fits(field, type);
      });
    const of = fitting.get(found) ?? new WeakMap<StaticType, boolean>();
    fitting.set(found, of.set(wanted, fitted));
    return fitted;
  }
  if (found.kind === "literal") {
    if (wanted.kind === "literal") return found.values.every((value) => wanted.values.includes(value));
    return wanted.kind === "string";
  }
  // A plain string may turn out to be one of the literals: expansion, which knows its text, checks again.
  if (found.kind === "string") return wanted.kind === "string" || wanted.kind === "literal";
  return found.kind === wanted.kind || (found.kind === "int" && wanted.kind === "float");
}

/** A list of more texts than this is a list of strings. */
const mostLiterals = 64;

/** The type of a list's items or a `?:`'s branches; undefined where they do not agree. */
export function common(a: StaticType, b: StaticType): StaticType | undefined {
  if (a.kind === "literal" && b.kind === "literal") {
    const values = [...new Set([...a.values, ...b.values])];
    return values.length > mostLiterals ? string : { kind: "literal", values };
  }
  if (a.kind === "unknown" || b.kind === "unknown") return a.kind === "unknown" ? b : a;
  if (fits(a, b)) return b;
  if (fits(b, a)) return a;
  const known = shared.get(a)?.get(b);
  if (known !== undefined) return known === "none" ? undefined : known;
  const found = commonParts(a, b);
  const of = shared.get(a) ?? new WeakMap<StaticType, StaticType | "none">();
  shared.set(a, of.set(b, found ?? "none"));
  return found;
}

/** What two lists or records have in common, for types met before. */
const shared = new WeakMap<StaticType, WeakMap<StaticType, StaticType | "none">>();

/** Lists whose items agree, and records whose fields do. */
function commonParts(a: StaticType, b: StaticType): StaticType | undefined {
  if (a.kind === "list" && b.kind === "list") {
    const element = common(a.element, b.element);
    return element && list(element);
  }
  if (a.kind !== "record" || b.kind !== "record" || a.fields.size !== b.fields.size) return undefined;
  const fields = new Map<string, StaticType>();
  for (const [name, type] of a.fields) {
    const other = b.fields.get(name);
    const both = other && common(type, other);
    if (both === undefined) return undefined;
    fields.set(name, both);
  }
  return { kind: "record", fields };
}

export function showStatic(type: StaticType): string {
  switch (type.kind) {
    case "int":
      return "an int";
    case "float":
    case "bool":
    case "string":
    case "tensor":
      return `a ${type.kind}`;
    case "unknown":
      return "a value";
    case "literal": {
      const shown = type.values.map((value) => JSON.stringify(value)).join(", ");
      return type.values.length === 1 ? shown : `one of ${shown}`;
    }
    case "either": {
      const shown = type.options.filter(({ kind }) => kind !== "list").map(showStatic);
      const lists = type.options.flatMap((option) =>
        option.kind === "list" ? [option.element.kind === "float" ? "a list of numbers" : "a list of one an axis"] : [],
      );
      return [shown.join(" or "), ...lists].join(", or ");
    }
    case "list":
      return type.element.kind === "unknown" ? "a list" : `a list, each ${showStatic(type.element)}`;
    case "record":
      return `a record { ${[...type.fields.keys()].join(", ")} }`;
  }
}
