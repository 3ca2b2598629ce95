/** The part of the syntax tree that stands for values: literals, names, operators, calls; and the spans and names that every node has. */

/** A half-open range of UTF-16 offsets in one file. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export interface Identifier {
  readonly name: string;
  readonly span: Span;
}

/** `name: value` of a record, preset, ablation, sampler, tokenizer or stage of training. */
export interface Field {
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | BoolLiteral
  | NameExpression
  | ListExpression
  | RecordExpression
  | UnaryExpression
  | BinaryExpression
  | ConditionalExpression
  | CallExpression
  | MemberExpression
  | IndexExpression
  | MethodExpression;

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  /** Whether it was written with a point or an exponent, and so is a float. */
  readonly float: boolean;
  /** As written, for the formatter. */
  readonly text: string;
  readonly span: Span;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly span: Span;
}

export interface BoolLiteral {
  readonly kind: "bool";
  readonly value: boolean;
  readonly span: Span;
}

export interface NameExpression {
  readonly kind: "name";
  readonly name: string;
  readonly span: Span;
}

export interface ListExpression {
  readonly kind: "list";
  readonly items: readonly Expression[];
  readonly span: Span;
}

export interface RecordExpression {
  readonly kind: "record";
  readonly fields: readonly Field[];
  readonly span: Span;
}

export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: "!" | "-";
  readonly operand: Expression;
  readonly span: Span;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "**" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "&&" | "||";

export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

export interface ConditionalExpression {
  readonly kind: "conditional";
  readonly test: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
  readonly span: Span;
}

/** Levels of a path: `conv`, or with holes `"down_blocks.{i}.resnets.{j}"`. `texts` stand before, between and behind `holes`. */
export interface Levels {
  readonly texts: readonly string[];
  readonly holes: readonly Expression[];
  /** Of the name or string. */
  readonly span: Span;
}

/** What `as` adds to a weight path. */
export interface Label extends Levels {
  /** `as tied conv`: wherever the path comes again it is of the same weights. */
  readonly tied: boolean;
}

/** A call of a block or an op. `x |> f(a) as l` has `piped` x, arguments [a] and label l; `f(x, a) as l` has no `piped`. */
export interface CallExpression {
  readonly kind: "call";
  readonly callee: Identifier;
  readonly piped: Expression | undefined;
  readonly arguments: readonly Argument[];
  readonly label: Label | undefined;
  /** From the callee to the closing parenthesis or label; the piped value is outside. */
  readonly callSpan: Span;
  readonly span: Span;
}

export interface Argument {
  readonly name: Identifier | undefined;
  readonly value: Expression;
  readonly span: Span;
}

export interface MemberExpression {
  readonly kind: "member";
  readonly object: Expression;
  readonly property: Identifier;
  readonly span: Span;
}

export interface IndexExpression {
  readonly kind: "index";
  readonly object: Expression;
  readonly index: Expression;
  readonly span: Span;
}

/** `list.push(x)`, `list.pop()`, `list.reversed()`, `list.min()`, `list.max()`. */
export interface MethodExpression {
  readonly kind: "method";
  readonly object: Expression;
  readonly method: Identifier;
  readonly arguments: readonly Expression[];
  readonly span: Span;
}
