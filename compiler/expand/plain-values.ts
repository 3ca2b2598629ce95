/** Compile-time values to JSON's, and to what errors show of them. */

import type { Static } from "./static.ts";

/** A compile-time value as JSON has it. */
export function plainOf(value: Static | undefined): unknown {
  switch (value?.kind) {
    case "int":
    case "float":
    case "bool":
    case "string":
      return value.value;
    case "list":
      return value.items.map(plainOf);
    default:
      return undefined;
  }
}

/** JSON has no word for what is not finite. */
export function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
