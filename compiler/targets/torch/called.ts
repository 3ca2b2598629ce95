/** Blocks, written once, to the parameters that calls of each are given, and constructors are not. */

import type { CodeBlock, CodeStatement, Computed, Known } from "../../module/code.ts";
import { dimKey, parameterKey } from "./plan.ts";
import { placesOf } from "./registering.ts";
import type { WrittenBlock } from "./write-block.ts";

/**
 * Which known parameters each block's call takes: those that no module is made with, and that follow from the shapes of what a
 * caller is given. Callers stand behind the blocks that they call, graphs behind all. Of the first blocks it may be `settled`.
 */
export function calledOf(
  blocks: readonly CodeBlock[],
  written: readonly WrittenBlock[],
  settled: readonly ReadonlySet<string>[] = [],
): readonly ReadonlySet<string>[] {
  const own = blocks.slice(settled.length).map(() => new Set<string>());
  const called: readonly ReadonlySet<string>[] = [...settled, ...own];
  const visit = (block: CodeBlock, given: ReadonlySet<string>, makes: ReadonlySet<string>) => {
    const sets = new Map<string, Known>();
    const follows = (known: Known): boolean => {
      if (known.kind !== "name") return partsOf(known).some(follows);
      if (known.of === "dim") return !makes.has(dimKey(known.name));
      if (known.of === "parameter") return given.has(known.name);
      const set = sets.get(known.name);
      return known.of === "local" && set !== undefined && follows(set);
    };
    visitCalls(block.body, sets, (call) => {
      for (const place of placesOf(call)) {
        for (const [name, value] of call.given) {
          const isParameter = blocks[place]?.parameters.some((one) => one.name === name) === true;
          if (isParameter && !written[place]?.makes.has(parameterKey(name)) && follows(value)) own[place - settled.length]?.add(name);
        }
      }
    });
  };
  for (let i = blocks.length - 1; i >= settled.length; i--) {
    const [block, given, made] = [blocks[i], called[i], written[i]];
    if (block?.owns && given !== undefined && made !== undefined) visit(block, given, made.makes);
  }
  return called;
}

function partsOf(known: Known): readonly Known[] {
  switch (known.kind) {
    case "list":
      return known.items;
    case "record":
      return [...known.fields.values()];
    case "not":
    case "minus":
      return [known.operand];
    case "binary":
      return [known.left, known.right];
    case "choice":
      return [known.test, known.yes, known.no];
    case "length":
      return [known.of];
    case "item":
      return [known.list, known.index];
    case "field":
      return [known.record];
    case "method":
      return [known.list];
    case "plain":
    case "name":
    case "round":
    case "table":
      return [];
  }
}

function visitCalls(
  statements: readonly CodeStatement[],
  sets: Map<string, Known>,
  each: (call: Extract<Computed, { kind: "call" }>) => void,
): void {
  const visit = (value: Computed): void => {
    switch (value.kind) {
      case "call":
        each(value);
        for (const tensor of value.tensors.values()) visit(tensor);
        return;
      case "op":
        return value.inputs.forEach(visit);
      case "tensors":
        return value.items.forEach(visit);
      case "fields":
        return value.fields.forEach(visit);
      case "choose":
        visit(value.yes);
        return visit(value.no);
      case "at":
      case "reverse":
        return visit(value.list);
      case "of":
        return visit(value.record);
      case "arrange":
      case "view":
      case "float":
        return visit(value.x);
      default:
        return;
    }
  };
  for (const statement of statements) {
    if (statement.kind === "set") sets.set(statement.name, statement.value);
    else if (statement.kind === "bind" || statement.kind === "return") visit(statement.value);
    else if (statement.kind === "push") visit(statement.item);
    else if (statement.kind === "if") {
      visitCalls(statement.yes, sets, each);
      visitCalls(statement.no, sets, each);
    } else if (statement.kind === "repeat") visitCalls(statement.body, sets, each);
  }
}
