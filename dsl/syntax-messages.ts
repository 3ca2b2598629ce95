/** The sentences for text that is not of the language. */

import { diagnosticsOf, error, type MessageTable } from "./diagnostic.ts";

type Nothing = Readonly<Record<never, never>>;

export const syntaxMessages = {
  "stray-character": error((h: { readonly character: string }) => `\`${h.character}\` is not part of the language`),
  "unclosed-string": error((_: Nothing) => "the string is not closed on its line"),
  "number-too-large": error(
    (h: { readonly number: string }) => `the whole number ${h.number} is beyond 2^53, where numbers are no longer exact`,
  ),
  "too-deep": error((h: { readonly limit: number; readonly what: string }) => `more than ${h.limit} ${h.what} in one expression`),
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
