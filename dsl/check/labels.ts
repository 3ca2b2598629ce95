/** Weight paths: what owns weights is labelled, no label comes twice in a scope, and no block reaches itself. */

import type { BlockDeclaration, CallExpression, Expression, Label, RepeatStatement, Span, Statement } from "../ast.ts";
import { plainText, showLabel } from "../label.ts";
import { countInOrder, type OpSignature } from "../signature.ts";
import { partsOf } from "../walk.ts";
import type { Context } from "./context.ts";
import { chainOf, inOrder, type Placed } from "./cycles.ts";

/** A label without holes: a weight statement's name, or what `as` says. */
interface Used {
  readonly name: string;
  readonly span: Span;
  readonly tied: boolean;
}

/** Labels of one scope by name; branches of which only one is taken each add to their own, over those before them. */
class Labels {
  readonly added = new Map<string, Used>();
  private readonly before: Labels | undefined;

  constructor(before?: Labels) {
    this.before = before;
  }

  get(name: string): Used | undefined {
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

  /** Of labels with holes, what they come to is known when the model is built. `weightless` says what has the label, where that owns no weights. */
  private addLabel(labels: Labels, label: Label, weightless?: string): void {
    const name = plainText(label);
    // No level is added: what stands under the label has labels of its own.
    if (name !== undefined && name !== "") this.add(labels, { name, span: label.span, tied: label.tied });
    if (weightless !== undefined)
      this.context.report("unused-label", label.span, { what: weightless, label: showLabel(label) }, { hint: "leave the label out" });
  }

  private add(labels: Labels, used: Used): void {
    const { name, span } = used;
    const first = labels.get(name);
    if (first === undefined) labels.added.set(name, used);
    else if (!first.tied || !used.tied) {
      const related = [{ message: `\`${name}\` used here first`, span: first.span }];
      const hint = `write \`as ${name}2\`, or \`as tied ${name}\` in both places if the weights are to be the same`;
      this.context.report("repeated-label", span, { name }, { hint, related });
    }
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
      if (statement.label !== undefined) this.addLabel(labels, statement.label, owns ? undefined : "the body of `repeat`");
      else if (owns) this.warnShared(statement, file);
      this.statements(statement.body, statement.label === undefined ? labels : new Labels(), file);
    } else {
      if (statement.kind === "weight") this.add(labels, { ...statement.name, tied: false });
      for (const part of partsOf(statement)) this.expression(part as Expression, labels, file);
    }
  }

  /** Without a label the body adds no level to the path: a label in it says that it is tied, or differs by its holes. */
  private warnShared(statement: RepeatStatement, file: string): void {
    const shared: string[] = [];
    const visit = (node: Statement | Expression): void => {
      const label = node.kind === "call" || node.kind === "repeat" ? node.label : undefined;
      const own = label !== undefined && label.holes.length === 0 && !label.tied;
      if (node.kind === "weight") shared.push(node.name.name);
      else if (node.kind === "call" && own && this.callOwns(node, file)) shared.push(showLabel(label));
      else if (node.kind === "repeat" && own && this.bodyOwns(node.body, file)) shared.push(showLabel(label));
      // What is labelled keeps the labels below it apart, or together.
      for (const part of node.kind === "repeat" && label !== undefined ? [node.range] : partsOf(node)) visit(part);
    };
    for (const part of statement.body) visit(part);
    if (shared.length === 0) return;
    const labels = [...new Set(shared)].map((label) => `\`${label}\``).join(", ");
    const hint =
      "for weights of its own in each, label it: `repeat … as name {`; if they are to be shared, say so: `repeat … as tied name {`";
    this.context.report("shared-rounds", { ...statement.span, end: statement.range.span.end }, { labels }, { hint });
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
    if (expression.label !== undefined) this.addLabel(labels, expression.label, owns ? undefined : `\`${name}\``);
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
