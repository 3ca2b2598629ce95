/** The parts of a body that make modules or weights, in the order in which they are evaluated. */

import type { CodeStatement, Computed, Levels } from "../../module/code.ts";
import type { Registering } from "./context.ts";
import type { BlockPlan } from "./plan.ts";

type Plans = readonly (BlockPlan | undefined)[];

/** Loops count where they have a label. */
export function registeringIn(statements: readonly CodeStatement[], plans: Plans): Registering[] {
  const found: Registering[] = [];
  for (const statement of statements) found.push(...registeringAt(statement, plans));
  return found;
}

function registeringAt(statement: CodeStatement, plans: Plans): Registering[] {
  switch (statement.kind) {
    case "set":
      return [];
    case "bind":
    case "return":
      return registeringOf(statement.value, plans);
    case "push":
      return registeringOf(statement.item, plans);
    case "if":
      return [...registeringIn(statement.yes, plans), ...registeringIn(statement.no, plans)];
    case "weight":
      return [statement];
    case "repeat": {
      const inner = registeringIn(statement.body, plans);
      return statement.label === undefined || inner.length === 0 ? inner : [statement, ...inner];
    }
  }
}

function registeringOf(value: Computed, plans: Plans): Registering[] {
  const all = (values: Iterable<Computed>) => [...values].flatMap((one) => registeringOf(one, plans));
  switch (value.kind) {
    case "tensors":
      return all(value.items);
    case "fields":
      return all(value.fields.values());
    case "choose":
      return all([value.yes, value.no]);
    case "at":
    case "reverse":
      return registeringOf(value.list, plans);
    case "of":
      return registeringOf(value.record, plans);
    case "arrange":
    case "view":
    case "float":
      return registeringOf(value.x, plans);
    case "op":
      return [...all(value.inputs), ...(value.weights === undefined ? [] : [value])];
    case "call":
      return [...all(value.tensors.values()), ...(placesOf(value).some((place) => plans[place]?.block.owns) ? [value] : [])];
    case "known":
    case "variable":
    case "weight":
    case "pop":
    case "range":
    case "constant":
      return [];
  }
}

/** The blocks that a call may be of, round by round. */
export function placesOf({ block }: Extract<Computed, { readonly kind: "call" }>): number[] {
  if (block.kind === "plain") return [block.value as number];
  const numbers = block.kind === "table" ? [block.rows].flat(8) : [];
  return [...new Set(numbers as number[])];
}

/** The levels that it adds to paths, where it says any. */
export function labelOf(one: Registering): Levels | undefined {
  if (one.kind === "op") return one.weights?.label;
  return one.kind === "weight" ? undefined : one.label;
}

/** Whether it adds no level. */
export function isUnlabelled(one: Registering | undefined): boolean {
  if (one === undefined || one.kind === "weight" || one.kind === "repeat") return false;
  const label = labelOf(one);
  return label === undefined || (label.holes.length === 0 && label.texts.join("") === "");
}
