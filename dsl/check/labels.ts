/** Weight paths: what owns weights is labelled, no label comes twice in a scope, and no block reaches itself. */

import type { BlockDeclaration, CallExpression, Expression, Identifier, Statement } from "../ast.ts";
import { partsOf } from "../walk.ts";
import type { Context } from "./context.ts";

/** Labels of one scope by name; branches of which only one is taken each have a copy. */
type Labels = Map<string, Identifier>;

export class LabelCheck {
  private readonly context: Context;
  private readonly owning = new Map<BlockDeclaration, boolean>();

  constructor(context: Context) {
    this.context = context;
  }

  checkBody(statements: readonly Statement[], file: string): void {
    this.statements(statements, new Map(), file);
  }

  /** Reports a block that reaches itself, with the way it does; whether it owns weights is found on the way. */
  ownsWeights(block: BlockDeclaration, file: string, trail: readonly BlockDeclaration[] = []): boolean {
    const known = this.owning.get(block);
    if (known !== undefined) return known;
    const at = trail.indexOf(block);
    if (at >= 0) {
      const chain = [...trail.slice(at), block].map((link) => link.name.name).join(" → ");
      this.context.report(
        "recursion",
        block.name.span,
        { chain },
        { hint: "repeat with `repeat`: a model's size is known when it is built" },
      );
      return false;
    }
    const owns = this.bodyOwns(block.body, file, [...trail, block]);
    this.owning.set(block, owns);
    return owns;
  }

  private bodyOwns(statements: readonly Statement[], file: string, trail: readonly BlockDeclaration[]): boolean {
    let owns = false;
    const visit = (node: Statement | Expression): void => {
      if (node.kind === "weight") owns = true;
      if (node.kind === "call" && this.callOwns(node, file, trail)) owns = true;
      for (const part of partsOf(node)) visit(part);
    };
    for (const statement of statements) visit(statement);
    return owns;
  }

  private callOwns(call: CallExpression, file: string, trail: readonly BlockDeclaration[]): boolean {
    const declared = this.context.declared(call.callee.name, file);
    if (declared?.declaration.kind === "block") return this.ownsWeights(declared.declaration, declared.file, trail);
    return declared === undefined && this.context.ops.get(call.callee.name)?.ownsWeights === true;
  }

  private add(labels: Labels, label: Identifier): void {
    const first = labels.get(label.name);
    if (first !== undefined) {
      const related = [{ message: `\`${label.name}\` used here first`, span: first.span }];
      this.context.report("repeated-label", label.span, { name: label.name }, { hint: `write \`as ${label.name}2\``, related });
    } else labels.set(label.name, label);
  }

  private statements(statements: readonly Statement[], labels: Labels, file: string): void {
    for (const statement of statements) this.statement(statement, labels, file);
  }

  private statement(statement: Statement, labels: Labels, file: string): void {
    if (statement.kind === "if") {
      this.expression(statement.test, labels, file);
      this.alternatives(labels, [
        (branch) => this.statements(statement.then, branch, file),
        (branch) => this.statements(statement.otherwise ?? [], branch, file),
      ]);
    } else if (statement.kind === "repeat") {
      this.expression(statement.range, labels, file);
      if (statement.label !== undefined) this.add(labels, statement.label);
      else if (this.bodyOwns(statement.body, file, [])) {
        const span = { ...statement.span, end: statement.range.span.end };
        this.context.report(
          "missing-label",
          span,
          { what: "the body of `repeat`" },
          { hint: "label it before its brace: `repeat … as name {`" },
        );
      }
      this.statements(statement.body, statement.label === undefined ? labels : new Map(), file);
    } else {
      if (statement.kind === "weight") this.add(labels, statement.name);
      for (const part of partsOf(statement)) this.expression(part as Expression, labels, file);
    }
  }

  private expression(expression: Expression, labels: Labels, file: string): void {
    if (expression.kind === "conditional") {
      this.expression(expression.test, labels, file);
      return this.alternatives(labels, [
        (branch) => this.expression(expression.then, branch, file),
        (branch) => this.expression(expression.otherwise, branch, file),
      ]);
    }
    for (const part of partsOf(expression)) this.expression(part as Expression, labels, file);
    if (expression.kind !== "call") return;
    if (expression.label !== undefined) this.add(labels, expression.label);
    else if (this.callOwns(expression, file, [])) {
      const name = expression.callee.name;
      const hint = `label it: \`${name}(…) as ${name.charAt(0).toLowerCase()}${name.slice(1)}\``;
      this.context.report("missing-label", expression.callSpan, { what: `\`${name}\`` }, { hint });
    }
  }

  /** Only one branch is taken, so both may use a label; what follows may use neither's. */
  private alternatives(labels: Labels, branches: readonly ((labels: Labels) => void)[]): void {
    const taken = branches.map((branch) => {
      const copy: Labels = new Map(labels);
      branch(copy);
      return copy;
    });
    for (const copy of taken) for (const [name, label] of copy) labels.set(name, label);
  }
}
