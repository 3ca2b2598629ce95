/** Expressions and types to documents: the inner half of the formatter. */

import type {
  Argument,
  BinaryExpression,
  CallExpression,
  Expression,
  Field,
  Identifier,
  Label,
  Levels,
  SourceFile,
  Span,
  StringLiteral,
  TypeNode,
} from "../ast.ts";
import { tied } from "../label-tokens.ts";
import { Comments } from "./comments.ts";
import { type Doc, type DocPart, gap, group, indent, join, lastComma, lastCommaSpaced, lineBreak, space, suffix } from "./document.ts";

/** How tightly each form binds, as the grammar has it. */
const binary: { readonly [O in BinaryExpression["operator"]]: number } = {
  "||": 2,
  "&&": 3,
  "==": 4,
  "!=": 4,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
  "**": 9,
};
const level = { any: 0, pipe: 1, sum: 6, unary: 8, postfix: 10, primary: 11 };

function levelOf(expression: Expression): number {
  switch (expression.kind) {
    case "conditional":
      return level.any;
    case "binary":
      return binary[expression.operator];
    case "unary":
      return level.unary;
    case "call":
      return expression.piped === undefined ? level.primary : level.pipe;
    case "member":
    case "index":
    case "method":
      return level.postfix;
    default:
      return level.primary;
  }
}

/** An item between brackets: where it was, and how it is printed. */
interface Item {
  readonly span: Pick<Span, "start" | "end">;
  readonly print: () => Doc;
}

export class ExpressionPrinter {
  protected readonly comments: Comments;

  constructor(source: SourceFile) {
    this.comments = new Comments(source);
  }

  /**
   * Items between brackets, on the lines where the author had them if the first begins a line; else on one line,
   * or filled over several if that is too long (`each`: one a line).
   */
  protected brackets(marks: string, openAt: number, closeAt: number, items: readonly Item[], each = false): Doc {
    const { comments } = this;
    const [open, close] = [marks.charAt(0), marks.charAt(1)];
    const spaced = open === "{";
    comments.moveOut(openAt);
    const first = items[0];
    const kept = first !== undefined && comments.breaks(openAt, first.span.start);
    const entries = items.map(({ span, print }, i) => comments.entry(span, items[i + 1]?.span.start ?? closeAt, print));
    const last = comments.lines(closeAt);
    if (entries.length + last.length === 0) return join([open, close]);
    const broken = kept || last.length > 0 || entries.some((entry) => entry.apart);
    const parts: DocPart[] = [];
    for (const [i, entry] of entries.entries()) {
      const before = entries[i - 1];
      const comma = i === entries.length - 1 ? "" : ",";
      if (before === undefined) parts.push(entry.doc, comma);
      else if (broken && (each || before.apart || entry.apart || comments.breaks(before.end, entry.start))) {
        parts.push(comments.between(before.end, entry.start), entry.doc, comma);
      } else if (each) parts.push(space, entry.doc, comma);
      else parts.push(group(space, entry.doc, comma));
    }
    if (!broken) return group(open, indent(spaced ? space : gap, join(parts)), spaced ? lastCommaSpaced : lastComma, close);
    let end = entries.at(-1)?.end;
    if (end !== undefined) parts.push(",");
    for (const comment of last) {
      if (end !== undefined) parts.push(comments.between(end, comment.start));
      parts.push(comment.doc);
      end = comment.end;
    }
    return join([open, indent(lineBreak, join(parts)), lineBreak, close]);
  }

  protected fields(openAt: number, closeAt: number, fields: readonly Field[]): Doc {
    const print = ({ name, value }: Field) => join([name.name, ": ", this.expression(value)]);
    return this.brackets(
      "{}",
      openAt,
      closeAt,
      fields.map((field) => ({ span: field.span, print: () => print(field) })),
    );
  }

  protected string(literal: StringLiteral): string {
    return `"${literal.value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
  }

  protected names(names: readonly Identifier[]): Item[] {
    return names.map(({ name, span }) => ({ span, print: () => join([name]) }));
  }

  private list(openAt: number, closeAt: number, items: readonly Expression[], marks = "[]"): Doc {
    return this.brackets(
      marks,
      openAt,
      closeAt,
      items.map((item) => ({ span: item.span, print: () => this.expression(item) })),
    );
  }

  /** In brackets if it binds less than `least`, or ends in a label that would seem to name what follows it (`last` is false). */
  protected expression(expression: Expression, least = level.any, last = true): Doc {
    const labelled = expression.kind === "call" && expression.label !== undefined;
    if (levelOf(expression) < least || (labelled && !last)) return join(["(", this.bare(expression, true), ")"]);
    return this.bare(expression, last);
  }

  private bare(expression: Expression, last: boolean): Doc {
    switch (expression.kind) {
      case "number":
        return join([expression.text]);
      case "string":
        return join([this.string(expression)]);
      case "bool":
        return join([String(expression.value)]);
      case "name":
        return join([expression.name]);
      case "list":
        return this.list(expression.span.start, expression.span.end - 1, expression.items);
      case "record":
        return this.fields(expression.span.start, expression.span.end - 1, expression.fields);
      case "unary":
        return join([expression.operator, this.expression(expression.operand, level.unary, last)]);
      case "binary":
        return this.binary(expression, last);
      case "conditional": {
        const test = this.expression(expression.test, level.pipe, false);
        const then = this.expression(expression.then);
        return group(test, indent(space, "? ", then, space, ": ", this.expression(expression.otherwise, level.any, last)));
      }
      case "call":
        return expression.piped === undefined ? this.call(expression) : this.pipe(expression);
      case "member":
        return join([this.expression(expression.object, level.postfix, false), ".", expression.property.name]);
      case "index": {
        const object = this.expression(expression.object, level.postfix, false);
        return join([object, "[", this.expression(expression.index), "]"]);
      }
      case "method": {
        const object = this.expression(expression.object, level.postfix, false);
        const openAt = this.comments.seek(expression.method.span.end, "(");
        return join([object, ".", expression.method.name, this.list(openAt, expression.span.end - 1, expression.arguments, "()")]);
      }
    }
  }

  /** Operators of one level to the left are one group: all of them break or none. */
  private binary(expression: BinaryExpression, last: boolean): Doc {
    const own = binary[expression.operator];
    if (expression.operator === "**") {
      const left = this.expression(expression.left, level.postfix, false);
      return join([left, " ** ", this.expression(expression.right, level.unary, last)]);
    }
    const operations = [expression];
    for (let left = expression.left; left.kind === "binary" && binary[left.operator] === own; left = left.left) operations.unshift(left);
    const first = this.expression(operations[0]?.left ?? expression.left, own, false);
    const rest = operations.flatMap((operation) => [
      space,
      `${operation.operator} `,
      this.expression(operation.right, own + 1, last && operation === expression),
    ]);
    return group(first, indent(...rest));
  }

  /** Breaks before `|>` where the author did; else nowhere, or before each if the line is too long. */
  private pipe(expression: CallExpression): Doc {
    const { comments } = this;
    const links: CallExpression[] = [];
    let head: Expression = expression;
    for (; head.kind === "call" && head.piped !== undefined; head = head.piped) links.unshift(head);
    const starts = [head, ...links].map((link, i) => ({ from: link.span.end, to: links[i]?.callee.span.start ?? link.span.end }));
    const kept = starts.some(({ from, to }) => comments.breaks(from, to));
    // An operator before the first `|>` reads as if it took only what follows it: brackets say that it does not.
    const first = this.expression(head, level.unary);
    const parts: DocPart[] = [];
    let end = head.span.end;
    for (const link of links) {
      const start = link.callee.span.start;
      const behind = comments.behind(end, start);
      if (behind !== undefined) parts.push(suffix(behind.text.trimEnd()));
      const above = comments.lines(start);
      const breaks = behind !== undefined || above.length > 0 || comments.breaks(end, start);
      for (const comment of above) parts.push(lineBreak, comment.doc);
      if (breaks) parts.push(lineBreak, "|> ", this.call(link));
      else if (kept) parts.push(group(space, "|> ", this.call(link)));
      else parts.push(space, "|> ", this.call(link));
      end = link.span.end;
    }
    return group(first, indent(...parts));
  }

  /** A call without what is piped into it. */
  private call(call: CallExpression): Doc {
    const openAt = this.comments.seek(call.callee.span.end, "(");
    const closeAt = call.label === undefined ? call.callSpan.end - 1 : this.comments.seek(call.arguments.at(-1)?.span.end ?? openAt, ")");
    const print = ({ name, value }: Argument) => join([...(name === undefined ? [] : [name.name, ": "]), this.expression(value)]);
    const items = call.arguments.map((argument) => ({ span: argument.span, print: () => print(argument) }));
    return join([call.callee.name, this.brackets("()", openAt, closeAt, items), this.label(call.label)]);
  }

  /** As it is written, holes too: a string may not be broken over lines. */
  protected label(label: Label | undefined): string {
    if (label === undefined) return "";
    return ` as ${label.tied ? `${tied} ` : ""}${this.asWritten(label)}`;
  }

  protected asWritten({ span }: Levels): string {
    return this.comments.text.slice(span.start, span.end);
  }

  protected type(type: TypeNode): Doc {
    switch (type.kind) {
      case "scalar-type":
        return join([type.scalar]);
      case "literal-type": {
        const [first, ...rest] = type.values.map((value) => this.string(value));
        return group(first ?? "", indent(...rest.flatMap((value) => [space, `| ${value}`])));
      }
      case "list-type":
        return join([this.type(type.element), "[]"]);
      case "record-type": {
        const items = type.fields.map((field) => ({
          span: { start: field.name.span.start, end: field.type.span.end },
          print: () => join([field.name.name, ": ", this.type(field.type)]),
        }));
        return this.brackets("{}", type.span.start, type.span.end - 1, items);
      }
      case "tensor-type": {
        const axes = type.axes.flatMap((axis, i) => [i === 0 ? "" : ", ", this.expression(axis)]);
        return join(["Tensor<", type.dtype.name, ", [", ...axes, "]>"]);
      }
      case "named-type": {
        if (type.arguments.length === 0) return join([type.name.name]);
        const axes = type.arguments.flatMap((axis, i) => [i === 0 ? "" : ", ", this.expression(axis, level.sum)]);
        return join([type.name.name, "<", ...axes, ">"]);
      }
    }
  }

  /** An expression where `>` would end the type: nothing looser than a sum. */
  protected size(expression: Expression): Doc {
    return this.expression(expression, level.sum);
  }
}
