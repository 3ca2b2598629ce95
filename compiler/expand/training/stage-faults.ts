/** What is found wrong with the stages of a model, one after another. */

import type { Diagnostic, Field } from "../../../dsl/index.ts";
import type { Configuration } from "../configure.ts";
import { evaluateFields } from "../expand.ts";
import { expandDiagnostic } from "../messages.ts";
import { plainOf } from "../plain-values.ts";

export class StageFaults {
  readonly found: Diagnostic[] = [];

  refuse(...told: Parameters<typeof expandDiagnostic>): void {
    this.found.push(expandDiagnostic(...told));
  }

  add(diagnostics: readonly Diagnostic[]): void {
    this.found.push(...diagnostics);
  }

  /** Fields as plain values; undefined where that failed, which is told. */
  plainFields(configuration: Configuration, fields: readonly Field[]): ReadonlyMap<string, unknown> | undefined {
    const values = evaluateFields(configuration, fields);
    if (values.ok) return new Map([...values.value].map(([name, value]) => [name, plainOf(value)]));
    this.add(values.diagnostics);
    return undefined;
  }
}
