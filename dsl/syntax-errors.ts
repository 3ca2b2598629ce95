/** What chevrotain could not match to a diagnostic in the language's words: what was found, what was expected, what to write. */

import type { IParserErrorMessageProvider, IRecognitionException, IToken, TokenType } from "chevrotain";
import type { Diagnostic } from "./diagnostic.ts";
import type { AmbiguousPipe } from "./expression-parser.ts";
import type { Span } from "./expressions.ts";
import { nearest } from "./nearest.ts";
import { syntaxDiagnostic } from "./syntax-messages.ts";
import { Identifier, keywords, Mark, NumberToken, StringToken, Word } from "./tokens.ts";

/** Rules as a reader knows them, for "expected …". */
const ruleNames: { readonly [rule: string]: string } = {
  declaration: "a declaration (import, dim, type, param, const, block, model, preset, ablation or layout)",
  member: "a member of the model (const, tokenizer, graph, sampler or train)",
  statement: "a statement",
  primary: "a value",
  levels: "a name",
  holedString: "a string",
  axis: "a size",
  typeArgument: "a size",
  elementType: "a type",
  bool: "true or false",
  weightInit: "`zeros`, `ones` or `normal(deviation)`",
};

/** The message of an exception is only the expectation: the sentence is made by `syntaxError`. */
export const expectationProvider: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => labelOf(expected),
  buildNotAllInputParsedMessage: () => ruleNames.declaration ?? "",
  buildNoViableAltMessage: ({ ruleName, expectedPathsPerAlt, customUserDescription }) =>
    customUserDescription ?? ruleNames[ruleName] ?? oneOf(expectedPathsPerAlt.flat().map((path) => path[0])),
  buildEarlyExitMessage: ({ ruleName, expectedIterationPaths }) =>
    ruleNames[ruleName] ?? oneOf(expectedIterationPaths.map((path) => path[0])),
};

function oneOf(types: readonly (TokenType | undefined)[]): string {
  return [...new Set(types.flatMap((type) => (type === undefined ? [] : [labelOf(type)])))].join(" or ");
}

function labelOf(type: TokenType): string {
  if (type === Identifier) return "a name";
  return type.LABEL ?? `\`${type.name}\``;
}

const declarationWords = ["import", "dim", "type", "param", "const", "block", "model", "preset", "ablation", "layout"];
const memberWords = ["const", "tokenizer", "graph", "sampler", "train"];
/** Keywords by the rule whose alternatives they begin: a misspelling of any other would be a wild guess. */
const startingWords: { readonly [rule: string]: readonly string[] } = {
  declaration: declarationWords,
  // Where a declaration is whole and the next begins with no word that begins one.
  declarations: declarationWords,
  member: memberWords,
  model: memberWords,
  statement: ["const", "let", "if", "repeat", "require", "weight", "return"],
};

const isKeyword = new Set<string>(keywords);

/** `end` is where the piece of the text that was being read stops, for what is missing at its end. */
export function syntaxError(path: string, text: string, exception: IRecognitionException, end: number): Diagnostic {
  const { token, message: expected, context } = exception;
  const previousToken = "previousToken" in exception ? (exception.previousToken as IToken | undefined) : undefined;
  const previous = previousToken === undefined || Number.isNaN(previousToken.startOffset) ? undefined : previousToken;
  const rule = context.ruleStack.at(-1) ?? "declarations";
  const atEnd = token.image === "" || Number.isNaN(token.startOffset);
  const spanOf = (found: IToken) => ({ file: path, start: found.startOffset, end: endOf(found) });
  const misspelling = (found: IToken, guess: string) =>
    syntaxDiagnostic("misspelt-keyword", spanOf(found), { found: found.image, keyword: guess }, { hint: `write \`${guess}\`` });

  const cut = previous !== undefined && dividesInComment(text, endOf(previous));
  // What is missing belongs after the token before it, not at the next line's first word.
  if (expected === "`;`" && previous !== undefined && (atEnd || text.slice(endOf(previous), token.startOffset).includes("\n"))) {
    const after = { file: path, start: endOf(previous) - 1, end: endOf(previous) };
    return syntaxDiagnostic("missing-semicolon", after, {}, { hint: cut ? divisionHint : `end it with \`;\`: \`${previous.image};\`` });
  }
  if (atEnd) {
    const at = previous === undefined ? end : endOf(previous);
    const hint = cut ? divisionHint : undefined;
    return syntaxDiagnostic("unexpected-end", { file: path, start: Math.max(0, at - 1), end: at }, { expected }, { hint });
  }
  if (expected === "`;`" && previous !== undefined) {
    const guess = misspelt(previous, "statement");
    if (guess !== undefined) return misspelling(previous, guess);
  }
  const guess = misspelt(token, rule) ?? (token.tokenType === Identifier ? nearest(token.image, keywordIn(expected)) : undefined);
  if (guess !== undefined) return misspelling(token, guess);
  const reserved = expected === "a name" && isKeyword.has(token.image);
  const hint = cut
    ? divisionHint
    : reserved
      ? `\`${token.image}\` is a word of the language: choose another name`
      : binaryOperators.has(token.tokenType) && endsPipe(text, token.startOffset)
        ? `\`|>\` binds less than \`${token.image}\`: put the pipe in parentheses, \`(x |> f()) ${token.image} y\``
        : hintFor(expected, token, context.ruleStack);
  return syntaxDiagnostic("unexpected-token", spanOf(token), { found: shown(token), expected }, { hint });
}

const divisionHint = "`//` begins a comment: `div(a, b)` divides whole numbers and rounds down";

/** Whether a comment behind an offset on its line reads as the divisor of what stands before it, up to the mark that is missed; a word before a comma may begin a sentence. */
function dividesInComment(text: string, end: number): boolean {
  const rest = /^[ \t]*\/\/(?!\/)[ \t]*([\w.()]+(?:[ \t]*[-+*/%][ \t]*[\w.()]+)*)[ \t]*([;,)\]}])/.exec(text.slice(end, end + 200));
  return rest !== null && (rest[2] !== "," || /^[\d(]/.test(rest[1] ?? ""));
}

/** `y + x |> f()`: whether the pipe takes the sum or `x` alone, the next reader would have to know. */
export function ambiguousPipe(text: string, { operation, call }: AmbiguousPipe): Diagnostic {
  const { operator, left, right, span } = operation;
  const textOf = ({ start, end }: Span) => text.slice(start, end);
  const own = [textOf(span).slice(0, left.span.end - span.start), textOf(right.span), textOf(call.callSpan)];
  const short = own.every((part) => part.length <= 30 && !part.includes("\n"));
  const [a, b, f] = short ? own : ["y", "x", "f()"];
  const hint = `write \`${a} ${operator} (${b} |> ${f})\`, or \`(${a} ${operator} ${b}) |> ${f}\``;
  return syntaxDiagnostic("ambiguous-pipe", span, { operator }, { hint });
}

const { Plus, Minus, Star, Slash, Percent, Power, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, And, Or } = Mark;
const binaryOperators: ReadonlySet<TokenType> = new Set([
  Plus, Minus, Star, Slash, Percent, Power, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, And, Or,
]); // biome-ignore format: a list of marks reads best as lines

/** Whether the expression that ends at an offset is a pipe: one stands before it, in no brackets that are closed since. */
function endsPipe(text: string, end: number): boolean {
  let depth = 0;
  for (let at = end - 1; at > 0; at--) {
    const mark = text.charAt(at);
    if (")]}".includes(mark)) depth++;
    else if ("([{".includes(mark) && depth-- === 0) return false;
    else if (depth === 0 && (mark === ";" || mark === ",")) return false;
    else if (depth === 0 && mark === ">" && text[at - 1] === "|") return true;
  }
  return false;
}

function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

function misspelt(token: IToken, rule: string): string | undefined {
  const words = startingWords[rule];
  if (words === undefined || token.tokenType !== Identifier) return undefined;
  return nearest(token.image, words);
}

function shown(token: IToken): string {
  if (token.tokenType === Identifier) return `the name \`${token.image}\``;
  return `\`${token.image}\``;
}

/** The word of the language that is expected, if it is one: "`from`". */
function keywordIn(expected: string): string[] {
  const word = expected.slice(1, -1);
  return expected === `\`${word}\`` && isKeyword.has(word) ? [word] : [];
}

/** What to write, by the rule in which the reading stopped. */
const forms: { readonly [rule: string]: string } = {
  layout: '`layout name of Block { label: "key", … }`',
  layoutEntry: '`label: "key"`, or `drop: ["key", …]`',
  importDeclaration: '`import { Name } from "./file.mv";`, or `import layouts from "./file.mv";`',
  dim: "`dim NAME = size;`",
  assigned: "`name = value;`",
  param: "`param name: type = value;`",
  block: "`block Name<C>(x: type): type { … }`",
  graph: "`graph name(x: type): type { … }`",
  parameter: "`name: type`, or `name: type = value`",
  tensorType: "`Tensor<float, [B, C]>`",
  literalType: '`"one" | "other"`',
  recordType: "`{ name: type, … }`",
  field: "`name: value`",
  modelDim: "`model Name<H = 32> { … }`",
  overrides: "`preset Name of Model { name: value, … }`",
  sampler: "`sampler graph(latent, time) { … }`",
  train: "`train name { loss: graph, … }`",
  ifStatement: "`if (test) { … }`",
  repeat: "`repeat item of list as name { … }`, or `repeat 2 as name { … }`",
  require: '`require test, "what is wrong";`',
  weight: "`weight name: type = zeros;`",
  callRest: "a pipe goes into a call: `x |> f()`",
};

const beginsItem: ReadonlySet<TokenType> = new Set([Identifier, NumberToken, StringToken, Mark.OpenRound, Mark.OpenSquare, Mark.OpenCurly]);

/** Rules that are the same wherever they stand: the form around them says what to write. */
const plainRules: ReadonlySet<string> = new Set([
  "identifier",
  "label",
  "levels",
  "anyName",
  "holedString",
  "holed",
  "importedNames",
  "spellings",
  "key",
  "string",
  "body",
  "fields",
  "dims",
  "parameters",
  "axis",
  "typeArgument",
]);

function hintFor(expected: string, token: IToken, rules: readonly string[]): string | undefined {
  if (expected.startsWith("`,` or")) {
    return beginsItem.has(token.tokenType) ? `separate the items with a comma: \`, ${token.image}\`` : undefined;
  }
  if (token.tokenType === Word.as) return "a label follows a call or the range of a `repeat`: `f(x) as name`";
  const form = forms[rules.findLast((rule) => !plainRules.has(rule)) ?? ""];
  return form?.startsWith("`") ? `write ${form}` : form;
}
