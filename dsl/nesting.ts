/** Tokens and trees to an error where they nest deeper than anyone writes: the parser and all that walks its trees recurse. */

import type { IToken, TokenType } from "chevrotain";
import type { Declaration, ModelMember, Statement, TypeNode } from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Expression, Span } from "./expressions.ts";
import { syntaxDiagnostic } from "./syntax-messages.ts";
import { keywords, Mark, Word } from "./tokens.ts";
import { expressionsOf, partsOf } from "./walk.ts";

/** `depth` is that of the tree, where a chain of operators is as deep as it is long; types are followed through each other's names too. */
const limits = { brackets: 60, bodies: 150, operators: 400, alternatives: 400, depth: 400, type: 30 } as const;

const opening: ReadonlySet<TokenType> = new Set([Mark.OpenRound, Mark.OpenSquare, Mark.OpenCurly]);
const closing: ReadonlySet<TokenType> = new Set([Mark.CloseRound, Mark.CloseSquare, Mark.CloseCurly]);
const separating: ReadonlySet<TokenType> = new Set([Mark.Comma, Mark.Semicolon]);
const marks: ReadonlySet<TokenType> = new Set(Object.values(Mark));
/** Words that end whatever expression stands before them. */
const beginning: ReadonlySet<TokenType> = new Set(
  keywords.filter((word) => !["else", "as", "of", "from", "true", "false"].includes(word)).map((word) => Word[word]),
);

const closers: readonly TokenType[] = [...closing, Mark.Greater];
/** What a record may stand behind; behind all else a brace opens a body. */
const beforeRecord: ReadonlySet<TokenType> = new Set([
  ...Object.values(Mark).filter((mark) => !closers.includes(mark)),
  Word.return,
  Word.of,
  Word.repeat,
  Word.require,
]);

/** What is still open within one bracket. */
interface Level {
  readonly body: boolean;
  operators: number;
  alternatives: number;
}

/** The first token that nests too deep for the parser, which recurses at brackets, at operators that bind to the right and at `else if`. */
export function deepToken(path: string, tokens: readonly IToken[]): Diagnostic | undefined {
  const levels: Level[] = [{ body: true, operators: 0, alternatives: 0 }];
  let [bodies, operators, alternatives] = [0, 0, 0];
  let previous: TokenType | undefined;
  const forget = (level: Level, alternativesToo: boolean) => {
    operators -= level.operators;
    level.operators = 0;
    if (!alternativesToo) return;
    alternatives -= level.alternatives;
    level.alternatives = 0;
  };
  for (const token of tokens) {
    const type = token.tokenType;
    const level = levels.at(-1) as Level;
    if (opening.has(type)) {
      const body = type === Mark.OpenCurly && previous !== undefined && !beforeRecord.has(previous);
      if (body) bodies++;
      levels.push({ body, operators: 0, alternatives: 0 });
    } else if (closing.has(type)) {
      if (levels.length > 1 && levels.pop()?.body) bodies--;
      forget(level, true);
    } else if (separating.has(type)) forget(level, false);
    else if (type === Word.else) {
      level.alternatives++;
      alternatives++;
    } else if (beginning.has(type)) forget(level, previous !== Word.else);
    else if (marks.has(type) && type !== Mark.Assign) {
      level.operators++;
      operators++;
    }
    previous = type;
    const span = { file: path, start: token.startOffset, end: token.startOffset + token.image.length };
    if (levels.length - 1 - bodies > limits.brackets) return tooDeep(span, limits.brackets, "brackets within each other in one expression");
    if (bodies > limits.bodies) return tooDeep(span, limits.bodies, "bodies within each other");
    if (operators > limits.operators) return tooDeep(span, limits.operators, "operators in one expression");
    if (alternatives > limits.alternatives) return tooDeep(span, limits.alternatives, "alternatives of one `if`");
  }
  return undefined;
}

function tooDeep(span: Span, limit: number, what: string): Diagnostic {
  return syntaxDiagnostic(
    "too-deep",
    span,
    { limit, what },
    { hint: "give a part of it a name of its own, with `const`, `type` or `block`" },
  );
}

type Node = Declaration | ModelMember | Statement | Expression | TypeNode;

/** The first node that lies too deep in the tree. Walks without recursion, as the tree may be of any depth. */
export function deepNode(declarations: readonly Declaration[]): Diagnostic | undefined {
  const open: { readonly node: Node; readonly depth: number; readonly types: number }[] = [];
  const add = (nodes: readonly Node[], depth: number, types: number) => {
    for (let i = nodes.length - 1; i >= 0; i--) open.push({ node: nodes[i] as Node, depth, types });
  };
  add(declarations, 0, 0);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth, types } = next;
    if (depth > limits.depth) return tooDeep(node.span, limits.depth, "forms within each other");
    if (types > limits.type) return tooDeep(node.span, limits.type, "types within each other");
    add(childrenOf(node), depth + 1, isType(node) ? types + 1 : 0);
  }
  return undefined;
}

/** The depth that types may have through each other's names. */
export const mostNestedTypes = limits.type;

function isType(node: Node): boolean {
  return node.kind.endsWith("-type");
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "import":
    case "scalar-type":
    case "literal-type":
      return [];
    case "dim":
      return [node.value];
    case "type":
      return [node.type];
    case "param":
      return [node.type, node.value];
    case "block":
    case "graph":
      return [...node.parameters.flatMap(({ type, value }) => (value === undefined ? [type] : [type, value])), node.result, ...node.body];
    case "model":
      return [...node.dims.map((dim) => dim.value), ...node.members];
    case "sampler":
    case "tokenizer":
    case "train":
      return node.fields.map((field) => field.value);
    case "preset":
    case "ablation":
      return node.overrides.map((field) => field.value);
    case "layout":
      return expressionsOf(node);
    case "tensor-type":
      return node.axes;
    case "named-type":
      return node.arguments;
    case "list-type":
      return [node.element];
    case "record-type":
      return node.fields.map((field) => field.type);
    case "weight":
      return [node.type, ...partsOf(node)];
    default:
      return partsOf(node);
  }
}
