/** The strings behind `as`, and those of layouts, to the tokens of their text and of what stands in their holes: `"down.{i}.norm"`. */

import { createTokenInstance, type ILexingError, type IToken, type TokenType, tokenMatcher } from "chevrotain";
import { AnyName, Identifier, LabelEnd, LabelMiddle, LabelStart, lexer, Mark, StringToken, Word } from "./tokens.ts";

/** The word that says that a label may come again, for the same weights. */
export const tied = "tied";

export interface LabelTokens {
  readonly tokens: IToken[];
  readonly errors: readonly ILexingError[];
}

/** A brace that is not closed stays text: the check of labels refuses it. */
export function splitLabels(tokens: readonly IToken[]): LabelTokens {
  const made: IToken[] = [];
  const errors: ILexingError[] = [];
  // Brackets open in a layout: each of its strings is a path or a key.
  let layout: number | undefined;
  for (const [i, token] of tokens.entries()) {
    if (beginning.has(token.tokenType) && tokens[i + 1]?.tokenType === Identifier) layout = token.tokenType === Word.layout ? 0 : undefined;
    if (layout !== undefined) {
      if (token.tokenType === Mark.OpenCurly) layout++;
      if (token.tokenType === Mark.CloseCurly && --layout <= 0) layout = undefined;
    }
    const labels = token.tokenType === StringToken && (layout !== undefined || followsAs(tokens, i));
    if (!labels || !/\{[^{}]*\}/.test(token.image)) made.push(token);
    else for (const part of partsOf(token, errors)) made.push(part);
  }
  return { tokens: made, errors };
}

/** With a name behind them, the words that begin a declaration: behind a layout that is not closed they end it. */
const beginning: ReadonlySet<TokenType> = new Set([
  Word.layout,
  Word.block,
  Word.model,
  Word.preset,
  Word.ablation,
  Word.dim,
  Word.param,
  Word.type,
]);

function followsAs(tokens: readonly IToken[], at: number): boolean {
  const before = tokens[at - 1];
  return before?.tokenType === Word.as || (before?.image === tied && tokens[at - 2]?.tokenType === Word.as);
}

/** Whether a token may stand where a label can. */
export function isLabel(token: IToken): boolean {
  return [AnyName, StringToken, LabelStart].some((type) => tokenMatcher(token, type));
}

function partsOf({ image, startOffset }: IToken, errors: ILexingError[]): IToken[] {
  const parts: IToken[] = [];
  const add = (type: TokenType, from: number, to: number) => {
    const [start, end] = [startOffset + from, startOffset + to - 1];
    parts.push(createTokenInstance(type, image.slice(from, to), start, end, Number.NaN, Number.NaN, Number.NaN, Number.NaN));
  };
  let from = 0;
  for (const hole of image.matchAll(/\{([^{}]*)\}/g)) {
    const [open, close] = [hole.index + 1, hole.index + hole[0].length - 1];
    add(from === 0 ? LabelStart : LabelMiddle, from, open);
    const inner = lexer.tokenize(hole[1] ?? "");
    for (const token of inner.tokens) add(token.tokenType, open + token.startOffset, open + token.startOffset + token.image.length);
    for (const error of inner.errors) errors.push({ ...error, offset: startOffset + open + error.offset });
    for (const comment of inner.groups.comments ?? []) {
      const [offset, length] = [startOffset + open + comment.startOffset, comment.image.length];
      errors.push({ offset, length, line: undefined, column: undefined, message: "a comment within a string" });
    }
    from = close;
  }
  add(LabelEnd, from, image.length);
  return parts;
}
