/** A syntax tree to its text in the one style of the language, with every comment kept. */

import type {
  BlockDeclaration,
  Declaration,
  GraphDeclaration,
  IfStatement,
  LayoutDeclaration,
  LayoutEntry,
  ModelDeclaration,
  ModelMember,
  SourceFile,
  Statement,
} from "../ast.ts";
import type { Expression, Identifier, Span } from "../expressions.ts";
import { partsOf } from "../walk.ts";
import type { Entry } from "./comments.ts";
import { type Doc, type DocPart, group, indent, join, layOut, lineBreak, space } from "./document.ts";
import { ExpressionPrinter } from "./expressions.ts";

const width = 140;

/** Formatting a formatted file changes nothing; the tree and the comments stay, and where the author broke lists, bodies and pipes. */
export function format(source: SourceFile): string {
  return layOut(new Printer(source).file(source), width);
}

interface Node {
  readonly span: Span;
}

class Printer extends ExpressionPrinter {
  file(source: SourceFile): Doc {
    return join(this.separated(this.entries(source.declarations, source.text.length + 1, (declaration) => this.declaration(declaration))));
  }

  /** Nodes that stand on lines of their own, and the comments behind the last. */
  private entries<N extends Node>(nodes: readonly N[], end: number, print: (node: N) => Doc): Entry[] {
    const entries = nodes.map((node, i) => this.comments.entry(node.span, nodes[i + 1]?.span.start ?? end, () => print(node)));
    return [...entries, ...this.comments.lines(end)];
  }

  private separated(entries: readonly Entry[]): Doc[] {
    return entries.flatMap((entry, i) => {
      const before = entries[i - 1];
      return before === undefined ? [entry.doc] : [this.comments.between(before.end, entry.start), entry.doc];
    });
  }

  /** A body over several lines. */
  private lines<N extends Node>(open: number, close: number, nodes: readonly N[], print: (node: N) => Doc): Doc {
    this.comments.moveOut(open);
    const entries = this.entries(nodes, close, print);
    return entries.length === 0 ? join(["{}"]) : join(["{", indent(lineBreak, join(this.separated(entries))), lineBreak, "}"]);
  }

  private declaration(declaration: Declaration): Doc {
    switch (declaration.kind) {
      case "layout":
        return this.layout(declaration);
      case "import": {
        if (declaration.layouts) return join(["import layouts from ", this.string(declaration.path), ";"]);
        const open = this.comments.seek(declaration.span.start, "{");
        const close = this.comments.seek(declaration.names.at(-1)?.span.end ?? open, "}");
        return join([
          "import ",
          this.brackets("{}", open, close, this.names(declaration.names)),
          " from ",
          this.string(declaration.path),
          ";",
        ]);
      }
      case "dim":
        return join(["dim ", declaration.name.name, " = ", this.expression(declaration.value), ";"]);
      case "const":
        return join(["const ", declaration.name.name, " = ", this.expression(declaration.value), ";"]);
      case "type":
        return join(["type ", declaration.name.name, dims(declaration.parameters), " = ", this.type(declaration.type), ";"]);
      case "param":
        return join(["param ", declaration.name.name, ": ", this.type(declaration.type), " = ", this.expression(declaration.value), ";"]);
      case "block":
        return join(["block ", declaration.name.name, dims(declaration.dims), this.callable(declaration)]);
      case "model":
        return this.model(declaration);
      case "preset":
      case "ablation": {
        const open = this.comments.seek(declaration.model.span.end, "{");
        const fields = this.fields(open, declaration.span.end - 1, declaration.overrides);
        return join([declaration.kind, " ", declaration.name.name, " of ", declaration.model.name, " ", fields]);
      }
    }
  }

  private layout({ names, of, entries, span }: LayoutDeclaration): Doc {
    const open = this.comments.seek(of.span.end, "{");
    const items = entries.map((entry) => ({ span: entry.span, print: () => this.layoutEntry(entry) }));
    const list = this.brackets("{}", open, span.end - 1, items);
    return join(["layout ", names.map(({ name }) => name).join(", "), " of ", of.name, " ", list]);
  }

  private layoutEntry(entry: LayoutEntry): Doc {
    if (entry.kind === "drop") {
      const open = this.comments.seek(entry.span.start, "[");
      const items = entry.keys.map((key) => ({ span: key.span, print: () => join([this.asWritten(key)]) }));
      return join(["drop: ", this.brackets("[]", open, entry.span.end - 1, items)]);
    }
    const [first = join([]), ...rest] = entry.keys.map(({ text, rows, shape }) => {
      const part = rows === undefined ? [] : [" rows ", this.expression(rows.index), " of ", this.expression(rows.of)];
      const axes = (shape ?? []).flatMap((axis, i) => [i === 0 ? "" : ", ", this.expression(axis)]);
      return join([this.asWritten(text), ...part, ...(shape === undefined ? [] : [" as [", ...axes, "]"])]);
    });
    return group(this.asWritten(entry.path), ": ", first, indent(...rest.flatMap((key) => [space, "| ", key])));
  }

  /** Parameters, result and body. */
  private callable({ name, parameters, result, body, span, ...rest }: BlockDeclaration | GraphDeclaration): Doc {
    const { comments } = this;
    const before = rest.kind === "block" ? (rest.dims.at(-1)?.span.end ?? name.span.end) : name.span.end;
    const open = comments.seek(before, "(");
    const close = comments.seek(parameters.at(-1)?.span.end ?? open, ")");
    const items = parameters.map((parameter) => ({
      span: parameter.span,
      print: () => {
        const type = this.type(parameter.type);
        const value = parameter.value === undefined ? [] : [" = ", this.expression(parameter.value)];
        return join([parameter.name.name, ": ", type, ...value]);
      },
    }));
    const list = this.brackets("()", open, close, items, true);
    const type = this.type(result);
    const bodyOpen = comments.seek(result.span.end, "{");
    return join([list, ": ", type, " ", this.lines(bodyOpen, span.end - 1, body, (statement) => this.statement(statement))]);
  }

  private model(model: ModelDeclaration): Doc {
    const sizes = model.dims.flatMap((dim, i): DocPart[] => [i === 0 ? "<" : ", ", dim.name.name, " = ", this.size(dim.value)]);
    const open = this.comments.seek(model.dims.at(-1)?.span.end ?? model.name.span.end, "{");
    const members = this.lines(open, model.span.end - 1, model.members, (member) => this.member(member));
    return join(["model ", model.name.name, ...sizes, sizes.length === 0 ? " " : "> ", members]);
  }

  private member(member: ModelMember): Doc {
    switch (member.kind) {
      case "const":
        return this.declaration(member);
      case "graph":
        return join(["graph ", member.name.name, this.callable(member)]);
      case "tokenizer":
        return join(["tokenizer ", this.fields(this.comments.seek(member.span.start, "{"), member.span.end - 1, member.fields)]);
      case "train": {
        const open = this.comments.seek(member.name.span.end, "{");
        return join(["train ", member.name.name, " ", this.fields(open, member.span.end - 1, member.fields)]);
      }
      case "sampler": {
        const open = this.comments.seek(member.inputs.at(-1)?.span.end ?? member.graph.span.end, "{");
        const inputs = member.inputs.map((input) => input.name).join(", ");
        return join([`sampler ${member.graph.name}(${inputs}) `, this.fields(open, member.span.end - 1, member.fields)]);
      }
    }
  }

  private statement(statement: Statement): Doc {
    switch (statement.kind) {
      case "const":
        return this.declaration(statement);
      case "let":
        return join(["let ", statement.name.name, " = ", this.expression(statement.value), ";"]);
      case "assign":
        return join([statement.name.name, " = ", this.expression(statement.value), ";"]);
      case "return":
        return join(["return ", this.expression(statement.value), ";"]);
      case "expression":
        return join([this.expression(statement.value), ";"]);
      case "require":
        return group("require ", this.expression(statement.test), ",", indent(space, this.string(statement.message)), ";");
      case "weight": {
        const type = this.type(statement.type);
        const { kind, deviation } = statement.init;
        const init = deviation === undefined ? [kind] : [kind, "(", this.expression(deviation), ")"];
        return join(["weight ", statement.name.name, ": ", type, " = ", ...init, ";"]);
      }
      case "if":
        return group(this.ifStatement(statement, this.isOneLine(statement)));
      case "repeat": {
        const { element, index, range, label } = statement;
        const over = [...(element === undefined ? [] : [element.name]), ...(index === undefined ? [] : [index.name])].join(", ");
        const sizes = this.range(range);
        const open = this.comments.seek((label ?? range).span.end, "{");
        const body = this.body(open, statement.span.end - 1, statement.body, !this.comments.breaks(open, statement.span.end));
        return group("repeat ", over === "" ? "" : `${over} of `, sizes, this.label(label), " ", body);
      }
    }
  }

  /** The range of a `repeat` takes no label, unless in brackets. */
  private range(range: Expression): Doc {
    return hasLabel(range) ? join(["(", this.expression(range), ")"]) : this.expression(range);
  }

  private isOneLine(statement: IfStatement): boolean {
    const open = this.comments.seek(statement.test.span.end, "{");
    return !this.comments.breaks(open, statement.span.end);
  }

  private ifStatement(statement: IfStatement, oneLine: boolean): Doc {
    const { comments } = this;
    const { test, then, otherwise, span } = statement;
    const head = ["if (", this.expression(test), ") "];
    const open = comments.seek(test.span.end, "{");
    const close = comments.seek(then.at(-1)?.span.end ?? open, "}");
    const first = this.body(open, close, then, oneLine);
    if (otherwise === undefined) return join([...head, first]);
    const next = otherwise[0];
    const elseOpen = comments.seek(close, "{");
    if (next?.kind === "if" && elseOpen > next.span.start) {
      comments.moveOut(next.span.start);
      return join([...head, first, " else ", this.ifStatement(next, oneLine)]);
    }
    return join([...head, first, " else ", this.body(elseOpen, span.end - 1, otherwise, oneLine)]);
  }

  /** The body of an `if` or `repeat`: one statement may stay on the line. */
  private body(open: number, close: number, statements: readonly Statement[], oneLine: boolean): Doc {
    const [only, ...others] = statements;
    if (!oneLine || only === undefined || others.length > 0)
      return this.lines(open, close, statements, (statement) => this.statement(statement));
    return join(["{", indent(space, this.statement(only)), space, "}"]);
  }
}

function dims(names: readonly Identifier[]): string {
  return names.length === 0 ? "" : `<${names.map((name) => name.name).join(", ")}>`;
}

function hasLabel(node: Expression | Statement): boolean {
  return (node.kind === "call" && node.label !== undefined) || partsOf(node).some(hasLabel);
}
