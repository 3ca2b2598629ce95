/** A file with syntax errors to all of them, the declarations that can be read beside them, and the names of those that cannot. */

import type { IToken, TokenType } from "chevrotain";
import type { Declaration, PartialSource } from "./ast.ts";
import { type Diagnostic, mostErrors } from "./diagnostic.ts";
import type { Parser } from "./parser.ts";
import { ambiguousPipe, syntaxError } from "./syntax-errors.ts";
import { Identifier, Mark, Word } from "./tokens.ts";

interface Tokens {
  readonly path: string;
  readonly text: string;
  readonly tokens: readonly IToken[];
}

/** The tokens of what is one declaration, if nothing is wrong with it. */
interface Piece {
  readonly chunk: IToken[];
  /** Where it ends in the text. */
  end: number;
}

/** Every declaration is parsed by itself, so that an error in one does not hide those of the next; `found` are errors of single tokens. */
export function readAround(
  parser: Parser,
  { path, text, tokens }: Tokens,
  found: readonly Diagnostic[],
): { readonly partial: PartialSource; readonly errors: readonly Diagnostic[] } {
  const errors: Diagnostic[] = [...found];
  const declarations: Declaration[] = [];
  const incomplete = new Set<Declaration>();
  const unknown = new Set<string>();
  for (const { chunk, end, from, to } of withRanges(splitDeclarations(text, tokens), text.length)) {
    const spoilt = found.some(({ span }) => span.start >= from && span.start < to);
    const whole = parser.parseDeclarations(path, chunk);
    if (!spoilt && parser.errors.length === 0) {
      declarations.push(...whole);
      errors.push(...parser.ambiguousPipes.map((pipe) => ambiguousPipe(text, pipe)));
      continue;
    }
    if (!spoilt && errors.length <= mostErrors) {
      const read = readStatements(parser, { path, text, tokens: chunk }, end);
      errors.push(...read.errors);
      for (const declaration of read.declarations) {
        if (declaration.kind !== "block") continue;
        declarations.push(declaration);
        incomplete.add(declaration);
      }
    }
    for (const name of namesIn(chunk)) unknown.add(name);
  }
  for (const { name } of declarations.flatMap(namesOf)) unknown.delete(name);
  const sorted = errors.sort((a, b) => a.span.start - b.span.start);
  return { partial: { source: { path, text, doc: undefined, declarations, comments: [] }, incomplete, unknown }, errors: sorted };
}

/** The text that each piece answers for: what lies between two belongs to the first. */
function withRanges(pieces: readonly Piece[], length: number) {
  return pieces.map(({ chunk, end }, i) => ({
    chunk,
    end,
    from: i === 0 ? 0 : (chunk[0]?.startOffset ?? 0),
    to: pieces[i + 1]?.chunk[0]?.startOffset ?? length,
  }));
}

/** So many errors of one declaration are looked for, and fewer of a long one: it is parsed once for each. */
const mostOfOne = 10;
const longest = 50_000;

/** The errors of a declaration, and what is left of it where the statements with errors are taken out of its body. */
function readStatements(
  parser: Parser,
  { path, text, tokens }: Tokens,
  end: number,
): { readonly errors: readonly Diagnostic[]; readonly declarations: readonly Declaration[] } {
  const errors: Diagnostic[] = [];
  // Where a bracket is missing, nobody knows which statements are within each other.
  const most = tokens[0]?.tokenType === Word.block && isBalanced(tokens) ? Math.min(mostOfOne, longest / tokens.length) : 1;
  let left = tokens;
  let after = -1;
  while (errors.length < most) {
    const declarations = parser.parseDeclarations(path, [...left]);
    const error = parser.errors[0];
    if (error === undefined) return { errors, declarations };
    const at = left.indexOf(error.token);
    // What closes behind a statement that was taken out may be wrong only without it.
    if (errors.length > 0 && (at < 0 || at <= after)) break;
    errors.push(syntaxError(path, text, error, end));
    const statement = at < 0 ? undefined : statementAround(left, at, text);
    if (statement === undefined) break;
    after = left[statement.end]?.tokenType === Mark.CloseCurly ? statement.start : statement.start - 1;
    left = [...left.slice(0, statement.start), ...left.slice(statement.end)];
  }
  return { errors, declarations: [] };
}

function isBalanced(tokens: readonly IToken[]): boolean {
  const open: TokenType[] = [];
  for (const { tokenType } of tokens) {
    if (opening.has(tokenType)) open.push(tokenType);
    else if (closing.has(tokenType) && open.pop() !== openingOf.get(tokenType)) return false;
  }
  return open.length === 0;
}

/** The statement of a body in which a token stands that does not belong there. */
function statementAround(tokens: readonly IToken[], at: number, text: string): { start: number; end: number } | undefined {
  const bounds: ReadonlySet<TokenType> = new Set([Mark.Semicolon, Mark.OpenCurly, Mark.CloseCurly]);
  const found = tokens[at];
  const previous = tokens[at - 1];
  // A statement without its end is missed at the next line's first word.
  const missed = found !== undefined && previous !== undefined && !bounds.has(previous.tokenType) && lineStarts(text, previous, found);
  let start = missed ? at - 1 : at;
  while (start > 0 && !bounds.has((tokens[start - 1] as IToken).tokenType)) start--;
  if (start === 0 || holdsFields(tokens, start)) return undefined;
  if (missed) return { start, end: at };
  let depth = 0;
  for (let end = at; end < tokens.length; end++) {
    const { tokenType } = tokens[end] as IToken;
    if (opening.has(tokenType)) depth++;
    if (closing.has(tokenType) && depth-- === 0) return tokenType === Mark.CloseCurly ? { start, end } : undefined;
    if (tokenType === Mark.Semicolon && depth === 0) return { start, end: end + 1 };
  }
  return undefined;
}

/** Whether the bracket around a place is that of a list, a call or a record, not of a body. */
function holdsFields(tokens: readonly IToken[], place: number): boolean {
  let depth = 0;
  for (let i = place - 1; i >= 0; i--) {
    const { tokenType } = tokens[i] as IToken;
    if (closing.has(tokenType)) depth++;
    if (!opening.has(tokenType) || depth-- > 0) continue;
    const before = tokens[i - 1]?.tokenType;
    return tokenType !== Mark.OpenCurly || (before !== undefined && beforeValues.has(before));
  }
  return true;
}

const beforeValues: ReadonlySet<TokenType> = new Set([
  Mark.Assign,
  Mark.Colon,
  Mark.Comma,
  Mark.Question,
  Mark.OpenRound,
  Mark.OpenSquare,
  Word.return,
]);

function lineStarts(text: string, previous: IToken, token: IToken): boolean {
  return text.slice(previous.startOffset + previous.image.length, token.startOffset).includes("\n");
}

function namesOf(declaration: Declaration): readonly { readonly name: string }[] {
  if (declaration.kind === "import") return declaration.names;
  return declaration.kind === "layout" ? [] : [declaration.name];
}

/** The names that stand outside brackets, and those that are imported: what a declaration declares is one of them. */
function namesIn(tokens: readonly IToken[]): readonly string[] {
  const names: string[] = [];
  const imports = tokens[0]?.tokenType === Word.import;
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (opening.has(token.tokenType)) depth++;
    if (closing.has(token.tokenType)) depth--;
    const before = tokens[i - 1]?.tokenType;
    const declared = depth <= 0 || imports || (before !== undefined && openers.has(before));
    if (token.tokenType === Identifier && declared) names.push(token.image);
  }
  return names;
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
  Word.layout,
]);

/** Cuts the tokens before each declaration that begins a line; a `const` may also begin one in a body. */
function splitDeclarations(text: string, tokens: readonly IToken[]): Piece[] {
  const pieces: Piece[] = [];
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

const openingOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [Mark.CloseRound, Mark.OpenRound],
  [Mark.CloseSquare, Mark.OpenSquare],
  [Mark.CloseCurly, Mark.OpenCurly],
]);

export const opening: ReadonlySet<TokenType> = new Set(openingOf.values());
export const closing: ReadonlySet<TokenType> = new Set(openingOf.keys());
