/** How an error of the user's source leaves the expansion of a graph: thrown inside the stage, a diagnostic at its door. */

import type { Diagnostic } from "../../dsl/index.ts";

/** Never leaves `compiler/expand`: `attempt` turns it into a value. */
export class ExpansionFailure extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

export type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Runs a stage; a failure of the user's comes back as diagnostics, a bug goes on. */
export function attempt<T>(stage: () => T): Attempt<T> {
  try {
    return { ok: true, value: stage() };
  } catch (thrown) {
    if (thrown instanceof ExpansionFailure) return { ok: false, diagnostics: [thrown.diagnostic] };
    throw thrown;
  }
}
