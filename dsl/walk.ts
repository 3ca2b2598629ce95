/** The parts of a node of the syntax tree: what every walk over bodies and expressions goes down by. */

import type { LayoutDeclaration, RepeatStatement, Statement } from "./ast.ts";
import type { CallExpression, Expression } from "./expressions.ts";

/** The statements and expressions directly within a node, in the order of the source. */
export function partsOf(node: Statement | Expression): readonly (Statement | Expression)[] {
  switch (node.kind) {
    case "number":
    case "string":
    case "bool":
    case "name":
      return [];
    case "list":
      return node.items;
    case "record":
      return node.fields.map((field) => field.value);
    case "unary":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    case "conditional":
      return [node.test, node.then, node.otherwise];
    case "call":
      return [...(node.piped === undefined ? [] : [node.piped]), ...node.arguments.map((argument) => argument.value), ...holesOf(node)];
    case "member":
      return [node.object];
    case "index":
      return [node.object, node.index];
    case "method":
      return [node.object, ...node.arguments];
    case "const":
    case "let":
    case "assign":
    case "return":
    case "expression":
      return [node.value];
    case "if":
      return [node.test, ...node.then, ...(node.otherwise ?? [])];
    case "repeat":
      return [node.range, ...holesOf(node), ...node.body];
    case "require":
      return [node.test, node.message];
    case "weight":
      return node.init.deviation === undefined ? [] : [node.init.deviation];
  }
}

function holesOf({ label }: CallExpression | RepeatStatement): readonly Expression[] {
  return label?.holes ?? [];
}

/** Every expression of a layout: in the holes of its paths and keys, and beside the keys. */
export function expressionsOf({ entries }: LayoutDeclaration): readonly Expression[] {
  return entries.flatMap((entry) => {
    if (entry.kind === "drop") return entry.keys.flatMap((key) => key.holes);
    const keys = entry.keys.flatMap(({ text, rows, shape = [] }) => [
      ...text.holes,
      ...(rows === undefined ? [] : [rows.index, rows.of]),
      ...shape,
    ]);
    return [...entry.path.holes, ...keys];
  });
}
