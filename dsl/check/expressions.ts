/** Expressions to their static types, with every name, operator, field and method checked. */

import type { BinaryExpression, Expression, Label, MethodExpression, NameExpression, RecordExpression } from "../ast.ts";
import { showLabel, wellFormed } from "../label.ts";
import { nearest } from "../nearest.ts";
import { mostNestedTypes } from "../nesting.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { bool, common, depthOf, fits, float, int, list, type StaticType, showStatic, string, tensor, unknown } from "./static-type.ts";

export function typeOf(context: Context, expression: Expression, names: Names): StaticType {
  switch (expression.kind) {
    case "number":
      return expression.float ? float : int;
    case "string":
      return { kind: "literal", values: [expression.value] };
    case "bool":
      return bool;
    case "name":
      return nameType(context, expression, names);
    case "list":
      return nested(context, expression, list(itemsType(context, expression.items, names)));
    case "record": {
      const fields = new Map<string, StaticType>();
      for (const field of expression.fields) {
        if (fields.has(field.name.name)) context.report("repeated-field", field.name.span, { name: field.name.name });
        fields.set(field.name.name, typeOf(context, field.value, names));
      }
      return nested(context, expression, { kind: "record", fields });
    }
    case "unary": {
      const operand = typeOf(context, expression.operand, names);
      if (expression.operator === "!") return expect(context, expression.operand, operand, bool);
      if (["int", "float", "tensor", "unknown"].includes(operand.kind)) return operand;
      context.report("wrong-type", expression.operand.span, { expected: "a number or a tensor", found: showStatic(operand) });
      return unknown;
    }
    case "binary":
      return binaryType(context, expression, names);
    case "conditional": {
      expect(context, expression.test, typeOf(context, expression.test, names), bool);
      const [then, otherwise] = [expression.then, expression.otherwise].map((branch) => typeOf(context, branch, names)) as [
        StaticType,
        StaticType,
      ];
      const both = common(then, otherwise);
      if (both === undefined)
        context.report("wrong-type", expression.otherwise.span, { expected: showStatic(then), found: showStatic(otherwise) });
      return both ?? unknown;
    }
    case "call":
      checkLabel(context, expression.label, names);
      return context.rules.callType(context, expression, names);
    case "member":
      return memberType(context, typeOf(context, expression.object, names), expression.property.name, expression.property.span);
    case "index": {
      checkInt(context, expression.index, names);
      const object = typeOf(context, expression.object, names);
      if (object.kind === "list") return object.element;
      expect(context, expression.object, object, list(unknown));
      return unknown;
    }
    case "method":
      return methodType(context, expression, names);
  }
}

/** Values may nest as deep as types may: all that compares them goes down by their parts. */
function nested(context: Context, expression: Expression, type: StaticType): StaticType {
  if (depthOf(type) <= mostNestedTypes) return type;
  context.report("too-nested", expression.span, { what: "value", limit: mostNestedTypes, of: "lists and records" });
  return unknown;
}

/** What fills the holes of a label is known when the model is built, and reads as part of a path; its text does too. */
export function checkLabel(context: Context, label: Label | undefined, names: Names): void {
  if (label === undefined) return;
  for (const hole of label.holes) {
    const found = typeOf(context, hole, names);
    if (["int", "string", "literal", "unknown"].includes(found.kind)) continue;
    context.report("wrong-type", hole.span, { expected: "an int or a string, as part of a label", found: showStatic(found) });
  }
  // Whatever the holes are, a letter stands for them.
  if (wellFormed.test(label.texts.join("a"))) return;
  const hint = 'a label is of letters, digits, `_` and `-`, levels parted by single dots: `as "blocks.{i}.norm"`';
  context.report("bad-label", label.span, { label: showLabel(label) }, { hint });
}

/** Checks that an expression is of a type; literals by their parts, so that an error is where the wrong part is. */
export function checkAs(context: Context, expression: Expression, wanted: StaticType, names: Names): void {
  const asList = wanted.kind === "either" ? wanted.options.find((option) => option.kind === "list") : wanted;
  if (expression.kind === "list" && asList?.kind === "list") {
    for (const item of expression.items) checkAs(context, item, asList.element, names);
  } else if (expression.kind === "record" && wanted.kind === "record") {
    checkRecord(context, expression, wanted.fields, names);
  } else expect(context, expression, typeOf(context, expression, names), wanted);
}

function checkRecord(context: Context, record: RecordExpression, wanted: ReadonlyMap<string, StaticType>, names: Names): void {
  const of = showStatic({ kind: "record", fields: wanted });
  const given = new Set<string>();
  for (const { name, value } of record.fields) {
    const type = wanted.get(name.name);
    if (type === undefined)
      context.report("unknown-field", name.span, { name: name.name, of }, hintNearest(nearest(name.name, wanted.keys())));
    else if (given.has(name.name)) context.report("repeated-field", name.span, { name: name.name });
    checkAs(context, value, type ?? unknown, names);
    given.add(name.name);
  }
  // A name that is wrong is most likely that of what is missing.
  const missing = [...wanted.keys()].find((name) => !given.has(name));
  if (missing !== undefined && [...given].every((name) => wanted.has(name))) {
    context.report("missing-field", record.span, { name: missing, of }, { hint: `add \`${missing}: …\`` });
  }
}

export function checkInt(context: Context, expression: Expression, names: Names): void {
  checkAs(context, expression, int, names);
}

/** Reports a type that does not fit; returns the type wanted, so that one error does not become two. */
export function expect(context: Context, expression: Expression, found: StaticType, wanted: StaticType): StaticType {
  if (fits(found, wanted)) return wanted;
  const words = wanted.kind === "either" ? wanted.options.find((option) => option.kind === "literal") : wanted;
  const literal = words?.kind === "literal" && found.kind === "literal" ? nearest(found.values[0] ?? "", words.values) : undefined;
  const hint = literal === undefined ? {} : { hint: `did you mean \`"${literal}"\`?` };
  context.report("wrong-type", expression.span, { expected: showStatic(wanted), found: showStatic(found) }, hint);
  return wanted;
}

function nameType(context: Context, expression: NameExpression, names: Names): StaticType {
  const { name } = expression;
  const local = names.lookUp(name);
  if (local !== undefined) {
    context.readLocal(local);
    return local.type;
  }
  const file = names.fileOf(context, name);
  const declared = context.read(name, file);
  if (declared !== undefined) {
    const type = context.rules.declaredType(context, name, file);
    if (type !== undefined) return type;
    context.report("not-a-value", expression.span, { name, kind: declared.declaration.kind });
    return unknown;
  }
  const hint = () => {
    if (context.ops.has(name)) return { hint: `\`${name}\` is an op: call it, \`${name}(…)\`` };
    const behind = names.behind === undefined ? [] : context.namesOf(names.behind);
    return hintNearest(nearest(name, [...names.all(), ...context.namesOf(names.file), ...behind]));
  };
  context.reportUnknown("unknown-name", expression, hint, names.behind);
  return unknown;
}

function itemsType(context: Context, items: readonly Expression[], names: Names): StaticType {
  let element: StaticType = unknown;
  for (const item of items) {
    const found = typeOf(context, item, names);
    const both = common(element, found);
    if (both === undefined) context.report("wrong-type", item.span, { expected: showStatic(element), found: showStatic(found) });
    element = both ?? element;
  }
  return element;
}

function binaryType(context: Context, expression: BinaryExpression, names: Names): StaticType {
  const { operator } = expression;
  const left = typeOf(context, expression.left, names);
  const right = typeOf(context, expression.right, names);
  if (operator === "&&" || operator === "||") {
    expect(context, expression.left, left, bool);
    return expect(context, expression.right, right, bool);
  }
  const isNumber = (type: StaticType) => type.kind === "int" || type.kind === "float";
  const isText = (type: StaticType) => type.kind === "string" || type.kind === "literal";
  if (left.kind === "unknown" || right.kind === "unknown") return ["==", "!=", "<", "<=", ">", ">="].includes(operator) ? bool : unknown;
  if (operator === "==" || operator === "!=") {
    const disjoint = left.kind === "literal" && right.kind === "literal" && !left.values.some((value) => right.values.includes(value));
    if (disjoint) {
      expect(context, expression.right, right, left);
      return bool;
    }
    const comparable =
      (isNumber(left) && isNumber(right)) || (isText(left) && isText(right)) || (left.kind === right.kind && left.kind !== "tensor");
    if (comparable) return bool;
  } else if (["<", "<=", ">", ">="].includes(operator)) {
    if (isNumber(left) && isNumber(right)) return bool;
  } else if (isNumber(left) && isNumber(right)) {
    return left.kind === "int" && right.kind === "int" ? int : float;
  } else if (operator === "+" && isText(left) && isText(right)) {
    return string;
  } else if (["+", "-", "*", "/"].includes(operator) && [left, right].every((type) => isNumber(type) || type.kind === "tensor")) {
    return tensor;
  }
  context.report("wrong-operands", expression.span, { operator, left: showStatic(left), right: showStatic(right) });
  return unknown;
}

function memberType(context: Context, object: StaticType, name: string, span: Expression["span"]): StaticType {
  if (object.kind === "unknown") return unknown;
  if (object.kind === "list" && name === "length") return int;
  const fields = object.kind === "record" ? object.fields : new Map<string, StaticType>();
  const field = fields.get(name);
  if (field !== undefined) return field;
  const guess = nearest(name, object.kind === "list" ? ["length"] : fields.keys());
  context.report("unknown-field", span, { name, of: object.kind === "list" ? "a list" : showStatic(object) }, hintNearest(guess));
  return unknown;
}

const methods = ["push", "pop", "reversed", "min", "max"];

function methodType(context: Context, expression: MethodExpression, names: Names): StaticType {
  const object = typeOf(context, expression.object, names);
  const found = expression.arguments.map((argument) => typeOf(context, argument, names));
  const { name, span } = expression.method;
  if (object.kind === "unknown") return unknown;
  if (object.kind !== "list" || !methods.includes(name)) {
    if (object.kind !== "list") expect(context, expression.object, object, list(unknown));
    else context.report("unknown-method", span, { name }, hintNearest(nearest(name, methods)));
    return unknown;
  }
  const expected = name === "push" ? 1 : 0;
  if (found.length > expected) context.report("too-many-arguments", span, { callee: name, expected, found: found.length });
  if (found.length < expected) context.report("missing-argument", span, { callee: name, name: "item" });
  if (name === "reversed") return object;
  if (name === "min" || name === "max") {
    const numbers = fits(object.element, float);
    if (!numbers) context.report("wrong-type", expression.object.span, { expected: "a list of numbers", found: showStatic(object) });
    return numbers ? object.element : unknown;
  }
  const variable = expression.object.kind === "name" ? names.lookUp(expression.object.name) : undefined;
  if (variable?.kind !== "let") context.report("not-a-variable", expression.object.span, { method: name });
  if (name === "pop") return object.element;
  const item = expression.arguments[0];
  if (item !== undefined && found[0] !== undefined) expect(context, item, found[0], object.element);
  return object;
}
