/** What is said of a user's error, as data: code, sentence, place, way out. Rendering is `render.ts`; the sentences are tables like `messages.ts`. */

import type { Span } from "./ast.ts";

export type Severity = "error" | "warning";

export interface Related {
  readonly message: string;
  readonly span: Span;
}

/** The preset and the ablations under which an error shows, where the file's own sizes do not show it. */
export interface FoundIn {
  readonly preset?: string;
  readonly ablations: readonly string[];
  /** How many other configurations of the file show it too. */
  readonly others: number;
}

export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  /** One sentence: found and expected, with the numbers and the axis's name. */
  readonly message: string;
  /** The smallest part that must change. */
  readonly span: Span;
  /** An instruction with code that can be pasted, or none. */
  readonly hint?: string;
  /** "declared here", and one "expanded from Block" a level, innermost first. */
  readonly related?: readonly Related[];
  /** Where the value that is wrong was set, if it is only read at the span. */
  readonly decidedAt?: Span;
  /** Absent where the error is found without any preset or ablation. */
  readonly foundIn?: FoundIn;
}

/** So many errors of a file are said: more are noise, and looking for what was meant by each would take minutes. */
export const mostErrors = 100;

/** Whether anything said of a program withholds it: warnings do not. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

/** The same diagnostics, said to be found under a preset and ablations; without either, as they are. */
export function foundIn(
  diagnostics: readonly Diagnostic[],
  { preset, ablations = [] }: { readonly preset?: string | null | undefined; readonly ablations?: readonly string[] },
): readonly Diagnostic[] {
  if (!preset && ablations.length === 0) return diagnostics;
  const found: FoundIn = { ...(preset ? { preset } : {}), ablations, others: 0 };
  // A choice that there is none of has nothing that could be wrong.
  return diagnostics.map((diagnostic) => (diagnostic.code === "unknown-choice" ? diagnostic : { ...diagnostic, foundIn: found }));
}

/** One row of a table of messages: the holes of the sentence are required, typed fields. */
export interface MessageRow<Holes> {
  readonly severity: Severity;
  readonly message: (holes: Holes) => string;
}

/** A row whose sentence is an error; the type argument names its holes. */
export function error<Holes>(message: (holes: Holes) => string): MessageRow<Holes> {
  return { severity: "error", message };
}

/** A row whose sentence is a warning; the type argument names its holes. */
export function warning<Holes>(message: (holes: Holes) => string): MessageRow<Holes> {
  return { severity: "warning", message };
}

export type MessageTable = { readonly [code: string]: MessageRow<never> };

export type Holes<Row> = Row extends MessageRow<infer H> ? H : never;

/** What a diagnostic may have beside its sentence. */
export interface More {
  readonly hint?: string | undefined;
  readonly related?: readonly Related[] | undefined;
  readonly decidedAt?: Span | undefined;
}

/** The maker of diagnostics of one table: code, span and holes, all checked against the row. */
export function diagnosticsOf<Table extends MessageTable>(table: Table) {
  return <Code extends keyof Table & string>(code: Code, span: Span, holes: Holes<Table[Code]>, more: More = {}): Diagnostic => {
    const row = table[code] as MessageRow<Holes<Table[Code]>>;
    return {
      code,
      severity: row.severity,
      message: row.message(holes),
      span,
      ...(more.hint === undefined ? {} : { hint: more.hint }),
      ...(more.related === undefined || more.related.length === 0 ? {} : { related: more.related }),
      ...(more.decidedAt === undefined ? {} : { decidedAt: more.decidedAt }),
    };
  };
}
