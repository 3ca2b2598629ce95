/** The text of a file to its syntax tree with comments and docs, or to every syntax error in it. */

import type { IToken, TokenType } from "chevrotain";
import type { Comment, Declaration, SourceFile } from "./ast.ts";
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
  const declarations: Declaration[] = [];
  for (const { chunk, end } of splitDeclarations(text, tokens)) {
    const parsed = parser.parseDeclarations(path, chunk);
    const error = parser.errors[0];
    if (error === undefined) declarations.push(...parsed);
    else diagnostics.push(syntaxError(path, text, error, end));
  }
  if (diagnostics.length > 0) return { source: undefined, diagnostics };
  const comments = (groups.comments ?? []).map(
    (token): Comment => ({
      text: token.image,
      span: { file: path, start: token.startOffset, end: token.startOffset + token.image.length },
    }),
  );
  return { source: attachDocs({ path, text, doc: undefined, declarations, comments }), diagnostics };
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

/**
 * Cuts the tokens before each declaration that begins a line, so that an error in one does not hide those of the next.
 * A file that is not laid out so is one piece: it parses the same, with one error at a time.
 */
function splitDeclarations(text: string, tokens: readonly IToken[]): { chunk: IToken[]; end: number }[] {
  const pieces: { chunk: IToken[]; end: number }[] = [];
  for (const token of tokens) {
    const startsLine = token.startOffset === 0 || text[token.startOffset - 1] === "\n";
    const last = pieces.at(-1);
    if (last === undefined || (startsLine && openers.has(token.tokenType))) pieces.push({ chunk: [token], end: 0 });
    else last.chunk.push(token);
    const current = pieces.at(-1);
    if (current !== undefined) current.end = token.startOffset + token.image.length;
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
