/** Text to tokens: the words and marks of the language, for chevrotain's lexer. */

import { createToken, Lexer, type TokenType } from "chevrotain";

/** What may stand where only a name can: labels may be words of the language, as in `as block`. */
export const AnyName = createToken({ name: "AnyName", pattern: Lexer.NA, label: "a name" });
export const Identifier = createToken({ name: "Identifier", pattern: /[A-Za-z_][A-Za-z0-9_]*/, categories: AnyName });

/** An axis of any size, in types alone: nothing can be declared by this name. */
export const AnyAxis = createToken({ name: "AnyAxis", pattern: "_", label: "`_`", longer_alt: Identifier });

const keywordNames = [
  "import", "from", "dim", "type", "param", "const", "block", "weight", "return", "let", "if", "else", "repeat", "of", "as",
  "require", "model", "graph", "sampler", "tokenizer", "train", "preset", "ablation", "layout", "true", "false",
] as const; // biome-ignore format: a list of words reads best as lines
export type Keyword = (typeof keywordNames)[number];
export const keywords: readonly Keyword[] = keywordNames;

function keywordTokens(): { readonly [K in Keyword]: TokenType } {
  const made = keywordNames.map((word) => [
    word,
    createToken({ name: `Word:${word}`, pattern: word, label: `\`${word}\``, categories: AnyName, longer_alt: Identifier }),
  ]);
  return Object.fromEntries(made) as { [K in Keyword]: TokenType };
}

export const Word = keywordTokens();

/** Longer marks stand before those that they begin with: the lexer takes the first that matches. */
const marks = {
  Pipe: "|>",
  Or: "||",
  Bar: "|",
  And: "&&",
  Equal: "==",
  NotEqual: "!=",
  LessEqual: "<=",
  GreaterEqual: ">=",
  Less: "<",
  Greater: ">",
  Power: "**",
  Star: "*",
  Plus: "+",
  Minus: "-",
  Slash: "/",
  Percent: "%",
  Not: "!",
  Assign: "=",
  OpenRound: "(",
  CloseRound: ")",
  OpenSquare: "[",
  CloseSquare: "]",
  OpenCurly: "{",
  CloseCurly: "}",
  Comma: ",",
  Semicolon: ";",
  Colon: ":",
  Question: "?",
  Dot: ".",
} as const;

function markTokens(): { readonly [M in keyof typeof marks]: TokenType } {
  const made = Object.entries(marks).map(([name, pattern]) => [name, createToken({ name, pattern, label: `\`${pattern}\`` })]);
  return Object.fromEntries(made) as { [M in keyof typeof marks]: TokenType };
}

export const Mark = markTokens();

export const NumberToken = createToken({ name: "Number", pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, label: "a number" });
export const StringToken = createToken({ name: "String", pattern: /"(?:[^"\\\n\r]|\\.)*"/, label: "a string" });
/** A label or key with holes: its text up to the first hole, between two, and behind the last. `label-tokens.ts` makes them of a string. */
export const LabelStart = createToken({ name: "LabelStart", pattern: Lexer.NA, label: "a name" });
export const LabelMiddle = createToken({ name: "LabelMiddle", pattern: Lexer.NA, label: "`}`" });
export const LabelEnd = createToken({ name: "LabelEnd", pattern: Lexer.NA, label: "`}`" });
/** A string that its line ends before its closing quote: its own token, so that the rest of the file is still read. */
export const BrokenString = createToken({ name: "BrokenString", pattern: /"(?:[^"\\\n\r]|\\.)*/, label: "an unclosed string" });
/** A comment of other languages, whole or without its end: its own token, so that it is one error. */
export const BlockComment = createToken({
  name: "BlockComment",
  pattern: /\/\*(?:[\s\S]*?\*\/|[\s\S]*)/,
  line_breaks: true,
  label: "a comment in `/* … */`",
});
const LineComment = createToken({ name: "Comment", pattern: /\/\/[^\n\r]*/, group: "comments" });
const Space = createToken({ name: "Space", pattern: /\s+/, group: Lexer.SKIPPED });

export const tokens: readonly TokenType[] = [
  Space,
  LineComment,
  BlockComment,
  ...Object.values(Word),
  AnyAxis,
  Identifier,
  NumberToken,
  StringToken,
  BrokenString,
  LabelStart,
  LabelMiddle,
  LabelEnd,
  ...Object.values(Mark),
  AnyName,
];

/** Whether the tokens themselves are sound is asked by a test: it would take longer than to read most files. */
export const lexer = new Lexer([...tokens], { positionTracking: "onlyOffset", ensureOptimizations: false, skipValidations: true });
