/** Blocks to the names of their classes and functions. */

import type { CodeBlock, CodeStatement } from "../../module/code.ts";
import { pythonName } from "./python.ts";

/** Those of one block with different code are numbered, and no class has a name that is taken, or that a function gives a value. */
export function classNames(blocks: readonly CodeBlock[], taken: Iterable<string>): string[] {
  const all = new Set([...taken, ...blocks.flatMap(variablesOf)]);
  return blocks.map(({ name }) => unusedName(pythonName(name), all));
}

/** The name, with a number where it is taken; it is taken then. */
export function unusedName(name: string, taken: Set<string>): string {
  let own = name;
  for (let i = 2; taken.has(own); i++) own = `${name}${i}`;
  taken.add(own);
  return own;
}

/** Names that a function gives values: a class by one of them could not be called there. */
export function variablesOf({ body, dims, parameters }: CodeBlock): string[] {
  const named = (statements: readonly CodeStatement[]): string[] =>
    statements.flatMap((statement) => {
      if (statement.kind === "set" || statement.kind === "bind") return [statement.name];
      if (statement.kind === "if") return [...named(statement.yes), ...named(statement.no)];
      return statement.kind === "repeat" ? [statement.element ?? "", statement.index ?? "", ...named(statement.body)] : [];
    });
  return [...dims, ...parameters.map(({ name }) => name), ...named(body)].map(pythonName);
}
