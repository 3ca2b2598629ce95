/** Names to the words that a sentence has room for. */

/** The most names that a sentence lists. */
const MOST_LISTED = 6;

/** `a, b, c and 4 more`. */
export function namesOf(names: readonly string[]): string {
  const some = names.slice(0, MOST_LISTED).join(", ");
  return names.length > MOST_LISTED ? `${some} and ${names.length - MOST_LISTED} more` : some;
}

/** `1 tensor`, `3 tensors`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
