/** How errors of the user's source leave the expansion of a graph: thrown inside the stage, diagnostics at its door. */

import { type Diagnostic, mostErrors } from "../../dsl/index.ts";

/** Never leaves `compiler/expand`: `attempt` turns it into a value. */
export class ExpansionFailure extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

/** Of what cannot be known after an error that has been noted: nothing more is said. */
export class FollowUp extends Error {}

/** Of a stage with more errors than are shown. */
class EnoughErrors extends Error {}

export type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Runs a stage; failures of the user's, thrown or noted while it went on, come back as diagnostics, a bug goes on. */
export function attempt<T>(stage: (faults: Faults) => T): Attempt<T> {
  const faults = new Faults();
  try {
    const value = stage(faults);
    return faults.any ? { ok: false, diagnostics: faults.diagnostics } : { ok: true, value };
  } catch (thrown) {
    if (thrown instanceof EnoughErrors || (thrown instanceof FollowUp && faults.any)) return { ok: false, diagnostics: faults.diagnostics };
    if (!(thrown instanceof ExpansionFailure)) throw thrown;
    // What ends a stage that has gone on after errors may well follow from them.
    return { ok: false, diagnostics: faults.any ? faults.diagnostics : [thrown.diagnostic] };
  }
}

/** The errors of a stage that goes on after them. */
export class Faults {
  private readonly found = new Map<string, Diagnostic>();
  /** Results that calls took as their blocks promise them, since their bodies failed. */
  promises = 0;

  get any(): boolean {
    return this.found.size > 0;
  }

  get diagnostics(): readonly Diagnostic[] {
    return [...this.found.values()];
  }

  /** Notes an error, once a place: what is expanded often fails often. Ends the stage after the most that are shown. */
  note(diagnostic: Diagnostic): void {
    const { file, start } = diagnostic.span;
    if (!this.found.has(`${file} ${start}`)) this.found.set(`${file} ${start}`, diagnostic);
    if (this.found.size > mostErrors) throw new EnoughErrors();
  }
}
