/** The entries of stages, configuration by configuration, to those that name no weight in any. */

import type { Diagnostic } from "../../../dsl/index.ts";
import { expandDiagnostic } from "../messages.ts";
import type { Entry } from "./trained.ts";

export class EntryUse {
  private readonly entries = new Map<string, { readonly entry: Entry; readonly model: string; used: boolean }>();

  /** What a configuration has of an entry of a stage that it runs. */
  add(entry: Entry, model: string, used: boolean): void {
    const key = `${entry.span.file} ${entry.span.start}`;
    const known = this.entries.get(key) ?? { entry, model, used: false };
    known.used ||= used;
    this.entries.set(key, known);
  }

  /** When all configurations have been read. */
  unused(): readonly Diagnostic[] {
    return [...this.entries.values()].flatMap(({ entry: { path, span }, model, used }) =>
      used ? [] : [expandDiagnostic("unmatched-path", span, { of: model, path }, { hint: "delete it" })],
    );
  }
}
