/** A call to the arguments that it is written with: those in order, what is piped first, and those by name. */

import type { CallExpression, Expression } from "../../dsl/index.ts";

export interface Given {
  readonly inOrder: readonly Expression[];
  /** In the order in which they are written. */
  readonly named: ReadonlyMap<string, Expression>;
}

/** A call is expanded as often as its block is called: it is read once. */
const known = new WeakMap<CallExpression, Given>();

export function givenTo(call: CallExpression): Given {
  const found = known.get(call) ?? read(call);
  known.set(call, found);
  return found;
}

function read({ piped, arguments: written }: CallExpression): Given {
  const inOrder = piped === undefined ? [] : [piped];
  const named = new Map<string, Expression>();
  for (const { name, value } of written) {
    if (name === undefined) inOrder.push(value);
    else named.set(name.name, value);
  }
  return { inOrder, named };
}
