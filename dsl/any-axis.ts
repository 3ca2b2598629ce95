/** `_` in a type: the axis that takes the size of whatever tensor comes. */

import type { Expression } from "./expressions.ts";

/** No name of the language is so: the grammar has it in types alone. */
export const anyAxis = "_";

export function isAnyAxis(axis: Expression): boolean {
  return axis.kind === "name" && axis.name === anyAxis;
}
