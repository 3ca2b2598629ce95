/** Statements of blocks and graphs: names declared and assigned, every path returning, nothing after a return. */

import type { BlockDeclaration, GraphDeclaration, Parameter, RepeatStatement, Statement } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { never } from "../never.ts";
import { type Binding, type Context, hintNearest, Names } from "./context.ts";
import { checkAs, checkLabel, expect, typeOf } from "./expressions.ts";
import { bool, float, holdsTensors, int, isOfTensors, type StaticType, showStatic, string, tensor, unknown } from "./static-type.ts";
import { bareAxes, checkType, namesKnown } from "./types.ts";

export function checkBlock(context: Context, block: BlockDeclaration, file: string): void {
  const { name, span } = block.name;
  if (context.ops.has(name))
    context.report("op-name", span, { name }, { hint: `use another name, such as \`${name.charAt(0).toUpperCase()}${name.slice(1)}\`` });
  const names = new Names(file);
  for (const dim of block.dims) names.declare(context, dim, { type: int, kind: "dim" });
  const bound = new Set(block.parameters.flatMap((parameter) => bareAxes(context, parameter.type, file)));
  // What a type binds that is not there, nobody knows.
  const known = block.parameters.every(({ type }) => namesKnown(context, type, file));
  for (const dim of block.dims) {
    if (known && !bound.has(dim.name)) {
      const hint = `use ${dim.name} as an axis of a parameter's type, or make it a parameter: \`${dim.name.toLowerCase()}: int\``;
      context.report("unbound-dim", dim.span, { dim: dim.name, block: block.name.name }, { hint });
    }
  }
  checkCallable(context, block, names);
}

export function checkGraph(context: Context, graph: GraphDeclaration, names: Names): void {
  checkCallable(context, graph, names.inner());
}

/** Parameters are read in order: a default may use those before it, and every dim. */
function checkCallable(context: Context, callable: BlockDeclaration | GraphDeclaration, names: Names): void {
  const isGraph = callable.kind === "graph";
  const bound = soleDims(context, callable, names);
  for (const parameter of callable.parameters) {
    const binds = bound.get(parameter) ?? [];
    const type = context.withoutReading(binds, () =>
      checkType(context, parameter.type, names, isGraph ? "an input of a graph" : undefined),
    );
    if (isGraph && type.kind !== "tensor" && type.kind !== "unknown") {
      context.report("wrong-type", parameter.type.span, {
        expected: "a tensor, as it is an input of a graph",
        found: "a compile-time type",
      });
    }
    const none = parameter.value?.kind === "list" && parameter.value.items.length === 0;
    if (parameter.value !== undefined && holdsTensors(type) && !none) {
      const holes = { name: parameter.name.name, is: type.kind === "tensor" ? "is a tensor" : "holds tensors" };
      context.report("tensor-default", parameter.value.span, holes);
    } else if (parameter.value !== undefined) checkAs(context, parameter.value, type, names);
    names.declare(context, parameter.name, { type, kind: isGraph ? "graph input" : "parameter", binds });
  }
  const result = checkType(context, callable.result, names);
  if (!isOfTensors(result)) {
    context.report("wrong-type", callable.result.span, {
      expected: "a tensor, or lists and records of tensors, as blocks and graphs return nothing else",
      found: showStatic(result),
    });
  }
  checkBody(context, callable.body, { names: names.inner(), result: isOfTensors(result) ? result : unknown });
  if (!returns(callable.body))
    context.report("missing-return", callable.name.span, { name: callable.name.name }, { hint: "end the body with `return …;`" });
}

/** By parameter, the dims of a block that its type alone binds. */
function soleDims(context: Context, callable: BlockDeclaration | GraphDeclaration, names: Names): Map<Parameter, readonly Binding[]> {
  if (callable.kind === "graph") return new Map();
  const axes = callable.parameters.map((parameter) => [parameter, new Set(bareAxes(context, parameter.type, names.file))] as const);
  const binders = new Map<string, number>();
  for (const [, bare] of axes) for (const dim of bare) binders.set(dim, (binders.get(dim) ?? 0) + 1);
  const sole = callable.dims.flatMap((dim) => (binders.get(dim.name) === 1 ? [dim.name] : []));
  const bindings = new Map(sole.map((dim) => [dim, names.lookUp(dim)]));
  return new Map(axes.map(([parameter, bare]) => [parameter, [...bare].flatMap((dim) => bindings.get(dim) ?? [])]));
}

/** A body: its names, and what `return` gives. */
interface Body {
  readonly names: Names;
  readonly result: StaticType;
}

function inner({ names, result }: Body): Body {
  return { names: names.inner(), result };
}

function checkBody(context: Context, statements: readonly Statement[], body: Body): void {
  for (const [i, statement] of statements.entries()) {
    checkStatement(context, statement, body);
    const next = statements[i + 1];
    if (next !== undefined && returns([statement])) {
      context.report("unreachable", next.span, {}, { hint: "delete it, or move it before the return" });
      return;
    }
  }
}

/** Whether statements always end in `return`, whichever branches are taken. */
function returns(statements: readonly Statement[]): boolean {
  return statements.some((statement) => {
    if (statement.kind === "return") return true;
    return statement.kind === "if" && statement.otherwise !== undefined && returns(statement.then) && returns(statement.otherwise);
  });
}

function checkStatement(context: Context, statement: Statement, body: Body): void {
  const { names, result } = body;
  switch (statement.kind) {
    case "const":
    case "let":
      return names.declare(context, statement.name, { type: widened(typeOf(context, statement.value, names)), kind: statement.kind });
    case "assign": {
      const binding = names.lookUp(statement.name.name);
      const found = context.withoutReading(binding === undefined ? [] : [binding], () => typeOf(context, statement.value, names));
      if (binding?.kind === "let") {
        expect(context, statement.value, found, binding.type);
        return;
      }
      const { name, span } = statement.name;
      const declared = context.declared(name, names.file);
      const kind = binding?.kind ?? declared?.declaration.kind;
      if (kind === undefined) {
        const guess = nearest(name, names.all());
        return context.report(
          "unknown-name",
          span,
          { name },
          guess === undefined ? { hint: `declare it: \`let ${name} = …;\`` } : hintNearest(guess),
        );
      }
      const related = binding === undefined ? [] : [{ message: `\`${name}\` declared here`, span: binding.span }];
      return context.report("assign-constant", span, { name, kind }, { hint: "declare it with `let`, or use another name", related });
    }
    case "if":
      checkAs(context, statement.test, bool, names);
      checkBody(context, statement.then, inner(body));
      if (statement.otherwise !== undefined) checkBody(context, statement.otherwise, inner(body));
      return;
    case "repeat":
      return checkRepeat(context, statement, body);
    case "require":
      return checkAs(context, statement.test, bool, names);
    case "weight":
      if (!["tensor", "unknown"].includes(checkType(context, statement.type, names, "a weight").kind)) {
        context.report("wrong-type", statement.type.span, { expected: "a tensor type", found: "a compile-time type" });
      }
      if (statement.init.deviation !== undefined) checkAs(context, statement.init.deviation, float, names);
      return names.declare(context, statement.name, { type: tensor, kind: "weight" });
    case "return":
      return checkAs(context, statement.value, result, names);
    case "expression": {
      const { value } = statement;
      const changes = value.kind === "method" && !["reversed", "min", "max"].includes(value.method.name);
      const list = changes && value.object.kind === "name" ? names.lookUp(value.object.name) : undefined;
      context.withoutReading(list === undefined ? [] : [list], () => typeOf(context, value, names));
      if (!changes) context.report("no-effect", value.span, {}, { hint: "give it a name, `const x = …;`, or return it" });
      return;
    }
    default:
      return never(statement);
  }
}

/** The type of a variable that may be assigned again: `"a"` is then any string. */
function widened(type: StaticType): StaticType {
  return type.kind === "literal" ? string : type;
}

function checkRepeat(context: Context, statement: RepeatStatement, { names, result }: Body): void {
  const range = typeOf(context, statement.range, names);
  const inside = names.inner();
  if (statement.element !== undefined) {
    inside.declare(context, statement.element, {
      type: range.kind === "list" ? range.element : range.kind === "int" ? int : unknown,
      kind: "element of `repeat`",
    });
  }
  if (statement.index !== undefined) inside.declare(context, statement.index, { type: int, kind: "element of `repeat`" });
  if (range.kind !== "list") expect(context, statement.range, range, int);
  checkLabel(context, statement.label, inside);
  checkBody(context, statement.body, { names: inside, result });
}
