/** A statement or body that fails to what goes on after it: names that are unknown, and results as blocks promise them. */

import { type Expression, partsOf, type Statement, type TypeNode } from "../../dsl/index.ts";
import { ExpansionFailure, FollowUp } from "./failure.ts";
import type { Frame } from "./frame.ts";

/**
 * Runs a statement. One that fails is noted, and what it would have named or changed is unknown from then on: what reads that fails in
 * silence. So does what reads a result that was only promised: the promise may be what is wrong.
 */
export function recovering<T>(statement: Statement, frame: Frame, run: () => T | undefined): T | undefined {
  const { budget, faults } = frame.expansion;
  const [level, promises] = [budget.level, faults.promises];
  const isDoubtful = () =>
    (faults.promises > promises && !hasBody(statement)) ||
    (faults.any && namesRead(statement).some((name) => frame.scope.isDoubtful(name)));
  try {
    const result = run();
    if (faults.any && isDoubtful()) for (const name of namesChanged(statement)) frame.scope.doubt(name);
    return result;
  } catch (thrown) {
    if (!canGoOn(thrown)) throw thrown;
    budget.returnTo(level);
    if (thrown instanceof ExpansionFailure && !isDoubtful()) faults.note(thrown.diagnostic);
    if (endsBody(statement)) throw new FollowUp();
    for (const name of namesChanged(statement)) frame.scope.forget(name);
    return undefined;
  }
}

/** What a body returns, or that it failed, which has been noted. */
export function bodyOrFailed<T>(frame: Frame, run: () => T): T | "failed" {
  const { budget } = frame.expansion;
  const level = budget.level;
  try {
    return run();
  } catch (thrown) {
    if (!(thrown instanceof FollowUp)) throw thrown;
    budget.returnTo(level);
    return "failed";
  }
}

/** A result of which only the type is known. */
export function promised<T>(frame: Frame, type: () => T): T {
  frame.expansion.faults.promises++;
  try {
    return type();
  } catch (thrown) {
    throw canGoOn(thrown) ? new FollowUp() : thrown;
  }
}

/** Who has spent a budget has none left for what follows. */
function canGoOn(thrown: unknown): boolean {
  return thrown instanceof FollowUp || (thrown instanceof ExpansionFailure && thrown.diagnostic.code !== "too-large");
}

/** Statements of which each that can fail is run by itself. */
function hasBody(statement: Statement): boolean {
  return statement.kind === "if" || statement.kind === "repeat";
}

/** Whether nothing is known of what stands behind a statement that fails: it may have returned, or have been what the rest leans on. */
function endsBody(statement: Statement): boolean {
  if (statement.kind === "return" || statement.kind === "require") return true;
  return hasBody(statement) && partsOf(statement).some((part) => isStatement(part) && endsBody(part));
}

function namesChanged(node: Statement | Expression): readonly string[] {
  const inner = partsOf(node).flatMap(namesChanged);
  if (node.kind === "const" || node.kind === "let" || node.kind === "assign" || node.kind === "weight") return [node.name.name, ...inner];
  return node.kind === "method" && node.object.kind === "name" && node.method.name !== "reversed" ? [node.object.name, ...inner] : inner;
}

/** Of a statement with a body, by what decides how it runs. */
function namesRead(node: Statement | Expression): readonly string[] {
  if (node.kind === "name") return [node.name];
  if (node.kind === "weight") return [...axesOf(node.type).flatMap(namesRead), ...partsOf(node).flatMap(namesRead)];
  return partsOf(node).flatMap((part) => (isStatement(part) ? [] : namesRead(part)));
}

function axesOf(type: TypeNode): readonly Expression[] {
  if (type.kind === "tensor-type") return type.axes;
  return type.kind === "named-type" ? type.arguments : [];
}

const statements: ReadonlySet<string> = new Set<Statement["kind"]>([
  "const",
  "let",
  "assign",
  "if",
  "repeat",
  "require",
  "weight",
  "return",
  "expression",
]);

function isStatement(node: Statement | Expression): node is Statement {
  return statements.has(node.kind);
}
