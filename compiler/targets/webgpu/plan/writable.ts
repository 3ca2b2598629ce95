/** Which bindings of a kernel must be writable besides its result's: those of the buffer that the result lies in. */

import type { Binding } from "../../../package/plan.ts";

export interface KernelUse {
  readonly text: string;
  readonly bindings: readonly Binding[];
  readonly writes: number;
}

/**
 * By the kernels' texts. WebGPU tracks a buffer as a whole: within one dispatch it is writable in all of its bindings, or
 * in none. A kernel that needs a writable binding in one dispatch has it in every one, so that it is compiled once.
 */
export function writableBindings(uses: readonly KernelUse[]): ReadonlyMap<string, ReadonlySet<number>> {
  const writable = new Map<string, Set<number>>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const { text, bindings, writes } of uses) {
      const found = writable.get(text) ?? new Set([writes]);
      writable.set(text, found);
      const slots = new Set(bindings.flatMap((one, i) => (one.kind === "slot" && found.has(i) ? [one.index] : [])));
      for (const [i, one] of bindings.entries()) {
        if (found.has(i) || one.kind !== "slot" || !slots.has(one.index)) continue;
        found.add(i);
        changed = true;
      }
    }
  }
  return writable;
}
