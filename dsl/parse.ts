/** The text of a file to its syntax tree with comments and docs, or to every syntax error in it. */

import type { IToken, TokenType } from "chevrotain";
import type { Comment, SourceFile } from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { attachDocs } from "./docs.ts";
import { Parser } from "./parser.ts";
import { syntaxError } from "./syntax-errors.ts";
import { syntaxDiagnostic } from "./syntax-messages.ts";
import { BrokenString, lexer, Mark, NumberToken, Word } from "./tokens.ts";

export interface ParseResult {
  /** Absent where there is a syntax error. */
  readonly source: SourceFile | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

let parser: Parser | undefined;

/** Never throws, whatever the text is. */
export function parse(path: string, text: string): ParseResult {
  const { tokens, errors, groups } = lexer.tokenize(text);
  const diagnostics: Diagnostic[] = errors.map((found) => {
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
  diagnostics.push(...tooDeep(path, tokens), ...tooLarge(path, tokens));
  if (diagnostics.length > 0) return { source: undefined, diagnostics };

  parser ??= new Parser();
  const declarations = parser.parseDeclarations(path, tokens);
  const error = parser.errors[0];
  if (error !== undefined) {
    const found = errorsOf(parser, path, text, tokens);
    return { source: undefined, diagnostics: found.length > 0 ? found : [syntaxError(path, text, error, text.trimEnd().length)] };
  }
  const comments = (groups.comments ?? []).map(
    (token): Comment => ({
      text: token.image,
      span: { file: path, start: token.startOffset, end: token.startOffset + token.image.length },
    }),
  );
  return { source: attachDocs({ path, text, doc: undefined, declarations, comments }), diagnostics };
}

/** Every declaration parsed by itself, so that an error in one does not hide those of the next. */
function errorsOf(parser: Parser, path: string, text: string, tokens: readonly IToken[]): Diagnostic[] {
  return splitDeclarations(text, tokens).flatMap(({ chunk, end }) => {
    parser.parseDeclarations(path, chunk);
    const error = parser.errors[0];
    return error === undefined ? [] : [syntaxError(path, text, error, end)];
  });
}

const openers: ReadonlySet<TokenType> = new Set([
  Word.import,
  Word.dim,
  Word.type,
  Word.param,
  Word.const,
  Word.block,
  Word.model,
  Word.preset,
  Word.ablation,
]);

/** Cuts the tokens before each declaration that begins a line; a `const` may also begin one in a body. */
function splitDeclarations(text: string, tokens: readonly IToken[]): { chunk: IToken[]; end: number }[] {
  const pieces: { chunk: IToken[]; end: number }[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (opening.has(token.tokenType)) depth++;
    if (closing.has(token.tokenType)) depth--;
    const startsLine = token.startOffset === 0 || text[token.startOffset - 1] === "\n";
    const begins = startsLine && openers.has(token.tokenType) && (depth <= 0 || token.tokenType !== Word.const);
    const last = pieces.at(-1);
    const end = token.startOffset + token.image.length;
    if (last === undefined || begins) {
      pieces.push({ chunk: [token], end });
      depth = 0;
    } else {
      last.chunk.push(token);
      last.end = end;
    }
  }
  return pieces;
}

/** The parser and all that walks its trees recurse: text that nests deeper than anyone writes is refused before. */
const limits = { brackets: 60, operators: 400 };

const opening: ReadonlySet<TokenType> = new Set([Mark.OpenRound, Mark.OpenSquare, Mark.OpenCurly]);
const closing: ReadonlySet<TokenType> = new Set([Mark.CloseRound, Mark.CloseSquare, Mark.CloseCurly]);
const ending: ReadonlySet<TokenType> = new Set([Mark.Semicolon, Mark.Comma, Mark.OpenCurly]);
const operands: ReadonlySet<string> = new Set(["Identifier", "Number", "String"]);

function tooDeep(path: string, tokens: readonly IToken[]): Diagnostic[] {
  let depth = 0;
  let operators = 0;
  let alternatives = 0;
  for (const token of tokens) {
    const span = { file: path, start: token.startOffset, end: token.startOffset + token.image.length };
    if (opening.has(token.tokenType)) depth++;
    if (closing.has(token.tokenType)) depth = Math.max(0, depth - 1);
    if (ending.has(token.tokenType)) operators = 0;
    else if (!operands.has(token.tokenType.name)) operators++;
    // `else if` nests without a bracket between.
    if (token.tokenType === Word.else) alternatives++;
    else if (openers.has(token.tokenType) || token.tokenType === Mark.Semicolon)
      alternatives = token.tokenType === Mark.Semicolon ? alternatives : 0;
    if (depth > limits.brackets)
      return [syntaxDiagnostic("too-deep", span, { limit: limits.brackets, what: "brackets within each other" })];
    if (operators > limits.operators) return [syntaxDiagnostic("too-deep", span, { limit: limits.operators, what: "operators" })];
    if (alternatives > limits.operators) return [syntaxDiagnostic("too-deep", span, { limit: limits.operators, what: "alternatives" })];
  }
  return [];
}

function tooLarge(path: string, tokens: readonly IToken[]): Diagnostic[] {
  return tokens.flatMap((token) => {
    const span = { file: path, start: token.startOffset, end: token.startOffset + token.image.length };
    if (token.tokenType === BrokenString)
      return [syntaxDiagnostic("unclosed-string", span, {}, { hint: 'close it with `"` on the same line' })];
    const whole = token.tokenType === NumberToken && /^\d+$/.test(token.image);
    if (whole && !Number.isSafeInteger(Number(token.image))) return [syntaxDiagnostic("number-too-large", span, { number: token.image })];
    return [];
  });
}
