/** The sentences for text that is not of the language. */

import type { Span } from "./ast.ts";
import { type Diagnostic, diagnosticsOf, error, type MessageTable, mostErrors } from "./diagnostic.ts";

type Nothing = Readonly<Record<never, never>>;

export const syntaxMessages = {
  "stray-character": error((h: { readonly character: string }) => `\`${h.character}\` is not part of the language`),
  "block-comment": error((_: Nothing) => "the language has no comments in `/* … */`"),
  "unclosed-string": error((_: Nothing) => "the string is not closed on its line"),
  "number-too-large": error((h: { readonly number: string; readonly limit: string }) => `the ${h.number} is beyond ${h.limit}`),
  "too-deep": error((h: { readonly limit: number; readonly what: string }) => `more than ${h.limit} ${h.what} in one expression`),
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
  "unexpected-end": error((h: { readonly expected: string }) => `the declaration ends where ${h.expected} is expected`),
} satisfies MessageTable;

export const syntaxDiagnostic = diagnosticsOf(syntaxMessages);

/** The first errors, and one that stands for the others: a file of noise would be an error a word. */
export function firstErrors(errors: readonly Diagnostic[]): readonly Diagnostic[] {
  const next = errors[mostErrors];
  return next === undefined ? errors : [...errors.slice(0, mostErrors), tooManyErrors(next.span)];
}

/** Stands for the error at the span and all behind it. */
export function tooManyErrors(span: Span): Diagnostic {
  return syntaxDiagnostic("too-many-errors", span, { limit: mostErrors }, { hint: "mend those above, and check again" });
}
