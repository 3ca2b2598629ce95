/** The text of a file to its syntax tree with comments and docs, or to every syntax error in it. */

import type { IToken } from "chevrotain";
import type { Comment, PartialSource, SourceFile } from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { attachDocs } from "./docs.ts";
import { splitLabels } from "./label-tokens.ts";
import { deepNode, deepToken } from "./nesting.ts";
import { Parser } from "./parser.ts";
import { closing, opening, readAround } from "./partial.ts";
import { firstErrors, syntaxDiagnostic } from "./syntax-messages.ts";
import { BlockComment, BrokenString, Identifier, lexer, Mark, NumberToken, StringToken } from "./tokens.ts";

export interface ParseResult {
  /** Absent where there is a syntax error. */
  readonly source: SourceFile | undefined;
  /** What can be read beside the errors; absent where a text is too long or deep for that. */
  readonly partial: PartialSource | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

let parser: Parser | undefined;

/** Never throws, whatever the text is. */
export function parse(path: string, text: string): ParseResult {
  const long = tooLong(path, text);
  if (long !== undefined) return refused([long]);
  const { tokens: words, errors, groups } = lexer.tokenize(text);
  const { tokens, errors: inLabels } = splitLabels(words);
  const diagnostics: Diagnostic[] = [...errors, ...inLabels].map((found) => {
    const span = { file: path, start: found.offset, end: found.offset + found.length };
    const character = text.slice(found.offset, found.offset + Math.min(found.length, 20));
    return syntaxDiagnostic(
      "stray-character",
      span,
      { character },
      {
        hint: /\p{L}/u.test(character)
          ? "names are of the letters a to z, digits and `_`"
          : character === "'"
            ? 'strings stand in double quotes: `"…"`'
            : undefined,
      },
    );
  });
  for (const token of words) for (const bad of badToken(path, token)) diagnostics.push(bad);
  const deep = deepToken(path, tokens);
  const unreadable = [...tooManyWords(path, tokens), ...(deep === undefined ? [] : [deep])];
  if (unreadable.length > 0) return refused([...diagnostics, ...unreadable]);

  parser ??= new Parser();
  const declarations = parser.parseDeclarations(path, tokens);
  if (diagnostics.length > 0 || parser.errors.length > 0 || parser.ambiguousPipes.length > 0) {
    const { partial, errors } = readAround(parser, { path, text, tokens }, diagnostics);
    if (errors.length === 0) throw new Error("parse: a file with errors whose declarations have none");
    const tooDeep = deepNode(partial.source.declarations);
    return tooDeep === undefined ? { source: undefined, partial, diagnostics: firstErrors(errors) } : refused([...errors, tooDeep]);
  }
  const tooDeep = deepNode(declarations);
  if (tooDeep !== undefined) return refused([tooDeep]);
  const comments = (groups.comments ?? []).map(
    (token): Comment => ({
      text: token.image,
      span: { file: path, start: token.startOffset, end: token.startOffset + token.image.length },
    }),
  );
  const source = attachDocs({ path, text, doc: undefined, declarations, comments });
  return { source, partial: { source, incomplete: new Set(), unknown: new Set() }, diagnostics };
}

function refused(diagnostics: readonly Diagnostic[]): ParseResult {
  return { source: undefined, partial: undefined, diagnostics: firstErrors(diagnostics) };
}

/** Beyond any source that people write; what compares names or renders them stays quick. */
const longest = { file: 2_000_000, words: 100_000, name: 200, string: 10_000, number: 400 };

function tooLong(path: string, text: string): Diagnostic | undefined {
  if (text.length <= longest.file) return undefined;
  const span = { file: path, start: longest.file, end: longest.file + 1 };
  return syntaxDiagnostic("too-long", span, { what: "a file", limit: longest.file, of: "characters" }, { hint: splitHint });
}

/** Commas and brackets are left out: the formatter may add some, and must not make a file too long. */
function tooManyWords(path: string, tokens: readonly IToken[]): Diagnostic[] {
  let count = 0;
  for (const { tokenType, startOffset, image } of tokens) {
    if (tokenType === Mark.Comma || opening.has(tokenType) || closing.has(tokenType) || ++count <= longest.words) continue;
    const span = { file: path, start: startOffset, end: startOffset + image.length };
    return [syntaxDiagnostic("too-long", span, { what: "a file", limit: longest.words, of: "words and marks" }, { hint: splitHint })];
  }
  return [];
}

const splitHint = "split it, and `import` what the parts need";

/** What the lexer lets pass but no value can be made of. */
function badToken(path: string, token: IToken): Diagnostic[] {
  const { tokenType, image } = token;
  const span = { file: path, start: token.startOffset, end: token.startOffset + image.length };
  const longerThan = (limit: number, what: string) =>
    image.length > limit ? [syntaxDiagnostic("too-long", { ...span, end: span.start + limit }, { what, limit, of: "characters" })] : [];
  if (tokenType === BrokenString) return [syntaxDiagnostic("unclosed-string", span, {}, { hint: 'close it with `"` on the same line' })];
  if (tokenType === BlockComment) {
    const hint = "a comment begins with `//` and ends with its line: put `//` before each";
    return [syntaxDiagnostic("block-comment", { ...span, end: span.start + image.search(/[\r\n]|$/) }, {}, { hint })];
  }
  if (tokenType === StringToken) return longerThan(longest.string, "a string");
  if (tokenType === Identifier) return longerThan(longest.name, "a name");
  if (tokenType !== NumberToken) return [];
  if (image.length > longest.number) return longerThan(longest.number, "a number");
  const value = Number(image);
  if (/^\d+$/.test(image) && !Number.isSafeInteger(value)) {
    return [
      syntaxDiagnostic("number-too-large", span, { number: `whole number ${image}`, limit: "2^53, where numbers are no longer exact" }),
    ];
  }
  if (!Number.isFinite(value)) {
    return [syntaxDiagnostic("number-too-large", span, { number: `number ${image}`, limit: "1.8e308, the largest that there is" })];
  }
  return [];
}
