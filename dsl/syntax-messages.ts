/** The sentences for text that is not of the language. */

import type { Span } from "./ast.ts";
import { type Diagnostic, diagnosticsOf, error, type MessageTable, mostErrors } from "./diagnostic.ts";

type Nothing = Readonly<Record<never, never>>;

export const syntaxMessages = {
  "stray-character": error((h: { readonly character: string }) => `\`${h.character}\` is not part of the language`),
  "block-comment": error((_: Nothing) => "the language has no comments in `/* … */`"),
  "unclosed-string": error((_: Nothing) => "the string is not closed on its line"),
  "number-too-large": error((h: { readonly number: string; readonly limit: string }) => `the ${h.number} is beyond ${h.limit}`),
  "too-deep": error((h: { readonly limit: number; readonly what: string }) => `more than ${h.limit} ${h.what}`),
  "too-long": error(
    (h: { readonly what: string; readonly limit: number; readonly of: string }) => `${h.what} may have ${h.limit} ${h.of} at most`,
  ),
  "too-many-errors": error((h: { readonly limit: number }) => `this is one error more than the ${h.limit} that are shown of a program`),
  "misspelt-keyword": error(
    (h: { readonly found: string; readonly keyword: string }) =>
      `\`${h.found}\` is no word of the language: did you mean \`${h.keyword}\`?`,
  ),
  "missing-semicolon": error((_: Nothing) => "a `;` is missing at the end of the statement"),
  "unexpected-token": error(
    (h: { readonly found: string; readonly expected: string }) => `found ${h.found} where ${h.expected} is expected`,
  ),
  "ambiguous-pipe": error(
    (h: { readonly operator: string }) =>
      `the pipe behind \`${h.operator}\` may take both sides of it or the right one: parentheses must say which`,
  ),
  "unexpected-end": error((h: { readonly expected: string }) => `the declaration ends where ${h.expected} is expected`),
} satisfies MessageTable;

export const syntaxDiagnostic = diagnosticsOf(syntaxMessages);

/** The first errors with what stands among them, and one for all behind: a file of noise would be an error a word. */
export function firstErrors(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const next = diagnostics.filter(({ severity }) => severity === "error")[mostErrors];
  return next === undefined ? diagnostics : [...diagnostics.slice(0, diagnostics.indexOf(next)), tooManyErrors(next.span)];
}

/** Stands for the error at the span and all behind it. */
export function tooManyErrors(span: Span): Diagnostic {
  return syntaxDiagnostic("too-many-errors", span, { limit: mostErrors }, { hint: "mend those above, and check again" });
}
