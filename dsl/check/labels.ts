/** Weight paths: what owns weights is labelled, no label comes twice in a scope, and no block reaches itself. */

import type { BlockDeclaration, CallExpression, Expression, Identifier, Statement } from "../ast.ts";
import { countInOrder, type OpSignature } from "../signature.ts";
import { partsOf } from "../walk.ts";
import type { Context } from "./context.ts";
import { chainOf, inOrder, type Placed } from "./cycles.ts";

/** Labels of one scope by name; branches of which only one is taken each add to their own, over those before them. */
class Labels {
  readonly added = new Map<string, Identifier>();
  private readonly before: Labels | undefined;

  constructor(before?: Labels) {
    this.before = before;
  }

  get(name: string): Identifier | undefined {
    return this.added.get(name) ?? this.before?.get(name);
  }
}

export class LabelCheck {
  private readonly context: Context;
  private readonly owning = new Set<BlockDeclaration>();

  constructor(context: Context) {
    this.context = context;
  }

  checkBody(statements: readonly Statement[], file: string): void {
    this.statements(statements, new Labels(), file);
  }

  /** Finds which blocks own weights, and reports each that reaches itself, with the way it does. */
  findOwners(blocks: readonly Placed<BlockDeclaration>[]): void {
    const order = inOrder(
      blocks,
      ({ file, declaration }) => this.calleesIn(declaration, file),
      (circle) => {
        const hint = "repeat with `repeat`: a model's size is known when it is built";
        const [block] = circle;
        if (block !== undefined) this.context.report("recursion", block.name.span, { chain: chainOf(circle) }, { hint });
      },
    );
    for (const { file, declaration } of order) if (this.bodyOwns(declaration.body, file)) this.owning.add(declaration);
  }

  private calleesIn(block: BlockDeclaration, file: string): Placed<BlockDeclaration>[] {
    const found: Placed<BlockDeclaration>[] = [];
    const visit = (node: Statement | Expression): void => {
      const declared = node.kind === "call" ? this.context.declared(node.callee.name, file) : undefined;
      if (declared?.declaration.kind === "block") found.push({ file: declared.file, declaration: declared.declaration });
      for (const part of partsOf(node)) visit(part);
    };
    for (const statement of block.body) visit(statement);
    return found;
  }

  private bodyOwns(statements: readonly Statement[], file: string): boolean {
    const owns = (node: Statement | Expression): boolean =>
      node.kind === "weight" || (node.kind === "call" && this.callOwns(node, file)) || partsOf(node).some(owns);
    return statements.some(owns);
  }

  private callOwns(call: CallExpression, file: string): boolean {
    const declared = this.context.declared(call.callee.name, file);
    if (declared?.declaration.kind === "block") return this.owning.has(declared.declaration);
    const op = declared === undefined ? this.context.ops.get(call.callee.name) : undefined;
    return op?.ownsWeights === true && !op.attributes.some(({ asksForWeights }, i) => asksForWeights && isOff(call, op, i));
  }

  /** `weightless` says what has the label, where that owns no weights. */
  private add(labels: Labels, label: Identifier, weightless?: string): void {
    const first = labels.get(label.name);
    if (first !== undefined) {
      const related = [{ message: `\`${label.name}\` used here first`, span: first.span }];
      this.context.report("repeated-label", label.span, { name: label.name }, { hint: `write \`as ${label.name}2\``, related });
    } else labels.added.set(label.name, label);
    if (weightless !== undefined)
      this.context.report("unused-label", label.span, { what: weightless, label: label.name }, { hint: "leave the label out" });
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
      const owns = this.bodyOwns(statement.body, file);
      if (statement.label !== undefined) this.add(labels, statement.label, owns ? undefined : "the body of `repeat`");
      else if (owns) {
        const span = { ...statement.span, end: statement.range.span.end };
        this.context.report(
          "missing-label",
          span,
          { what: "the body of `repeat`" },
          { hint: "label it before its brace: `repeat … as name {`" },
        );
      }
      this.statements(statement.body, statement.label === undefined ? labels : new Labels(), file);
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
    const owns = this.callOwns(expression, file);
    const { name } = expression.callee;
    if (expression.label !== undefined) this.add(labels, expression.label, owns ? undefined : `\`${name}\``);
    else if (owns) {
      const hint = `label it: \`${name}(…) as ${name.charAt(0).toLowerCase()}${name.slice(1)}\``;
      this.context.report("missing-label", expression.callSpan, { what: `\`${name}\`` }, { hint });
    }
  }

  /** Only one branch is taken, so both may use a label; what follows may use neither's. */
  private alternatives(labels: Labels, branches: readonly ((labels: Labels) => void)[]): void {
    const taken = branches.map((branch) => {
      const own = new Labels(labels);
      branch(own);
      return own;
    });
    for (const { added } of taken) for (const [name, label] of added) labels.added.set(name, label);
  }
}

/** Whether `false` is written for the op's attribute, by its name or in its place; what is not written out may be either. */
function isOff(call: CallExpression, op: OpSignature, attribute: number): boolean {
  const place = countInOrder(op) + attribute - (call.piped === undefined ? 0 : 1);
  const attributeName = op.attributes[attribute]?.name;
  const given = call.arguments.find(({ name }, i) => (name === undefined ? i === place : name.name === attributeName))?.value;
  return given?.kind === "bool" && !given.value;
}
