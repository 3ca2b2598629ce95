/** Tokens to the expressions of the syntax tree: the inner part of the grammar. */

import type { IToken, ParserMethod } from "chevrotain";
import type {
  Argument,
  BinaryExpression,
  BinaryOperator,
  CallExpression,
  Expression,
  Field,
  Identifier as IdentifierNode,
  Label,
  UnaryExpression,
} from "./expressions.ts";
import { NameParser } from "./name-parser.ts";
import { Identifier, Mark, NumberToken, Word } from "./tokens.ts";

export interface AmbiguousPipe {
  readonly operation: BinaryExpression;
  readonly call: CallExpression;
}

export class ExpressionParser extends NameParser {
  /** Pipes behind an operation without parentheses: both readings make sense, so none is taken. */
  readonly ambiguousPipes: AmbiguousPipe[] = [];
  /** The range of a `repeat` is followed by `as`, which a call in it must not take for its own. */
  private labelsAllowed = true;

  /** `{ name: value, … }` */
  protected readonly fields = this.RULE("fields", (): Field[] => {
    this.CONSUME(Mark.OpenCurly);
    const fields = this.separated(0, Mark.CloseCurly, () => this.SUBRULE(this.field));
    this.CONSUME(Mark.CloseCurly);
    return fields;
  });

  private readonly field: ParserMethod<[], Field> = this.RULE("field", (): Field => {
    const start = this.position();
    const name = this.SUBRULE(this.fieldName);
    this.CONSUME(Mark.Colon);
    const value = this.SUBRULE(this.expression);
    return { name, value, span: this.from(start) };
  });

  /** A word of the language may name a field, as in `from: "text"`: before a colon it can be nothing else. */
  private readonly fieldName = this.RULE(
    "fieldName",
    (): IdentifierNode =>
      this.OR([
        { GATE: () => this.LA(1).tokenType !== Identifier && this.LA(2).tokenType === Mark.Colon, ALT: () => this.SUBRULE(this.anyName) },
        { ALT: () => this.SUBRULE(this.identifier) },
      ]),
  );

  /** The range of a `repeat`: an expression whose calls take no label. */
  protected readonly range = this.RULE("range", (): Expression => {
    this.ACTION(() => {
      this.labelsAllowed = false;
    });
    const value = this.SUBRULE(this.expression);
    this.ACTION(() => {
      this.labelsAllowed = true;
    });
    return value;
  });

  protected begin(path: string): void {
    this.path = path;
    this.labelsAllowed = true;
    this.ambiguousPipes.length = 0;
  }

  protected readonly expression: ParserMethod<[], Expression> = this.RULE("expression", (): Expression => {
    const start = this.position();
    const test = this.SUBRULE(this.pipe);
    let result = test;
    this.OPTION(() => {
      this.CONSUME(Mark.Question);
      const then = this.SUBRULE(this.expression);
      this.CONSUME(Mark.Colon);
      const otherwise = this.SUBRULE1(this.expression);
      result = { kind: "conditional", test, then, otherwise, span: this.from(start) };
    });
    return result;
  });

  private readonly pipe = this.RULE("pipe", (): Expression => {
    const start = this.position();
    let value = this.SUBRULE(this.disjunction);
    this.MANY(() => {
      this.CONSUME(Mark.Pipe);
      const call = this.SUBRULE(this.pipedCall);
      // One in parentheses begins behind them.
      if (value.kind === "binary" && value.span.start === start) this.ambiguousPipes.push({ operation: value, call });
      value = { ...call, piped: value, span: this.from(start) };
    });
    return value;
  });

  private readonly pipedCall = this.RULE("pipedCall", (): CallExpression => {
    const callee = this.SUBRULE(this.identifier);
    return this.SUBRULE(this.callRest, { ARGS: [callee] });
  });

  private readonly disjunction = this.RULE("disjunction", (): Expression => this.chain(this.conjunction, () => this.CONSUME(Mark.Or)));
  private readonly conjunction = this.RULE("conjunction", (): Expression => this.chain(this.equality, () => this.CONSUME(Mark.And)));
  private readonly equality = this.RULE(
    "equality",
    (): Expression =>
      this.chain(this.comparison, () => this.OR([{ ALT: () => this.CONSUME(Mark.Equal) }, { ALT: () => this.CONSUME(Mark.NotEqual) }])),
  );
  private readonly comparison = this.RULE(
    "comparison",
    (): Expression =>
      this.chain(this.sum, () =>
        this.OR([
          { ALT: () => this.CONSUME(Mark.LessEqual) },
          { ALT: () => this.CONSUME(Mark.GreaterEqual) },
          { ALT: () => this.CONSUME(Mark.Less) },
          { ALT: () => this.CONSUME(Mark.Greater) },
        ]),
      ),
  );
  /** Also an argument of a type: `Video<C, H * 2>` must not read `>` as a comparison. */
  protected readonly sum: ParserMethod<[], Expression> = this.RULE(
    "sum",
    (): Expression =>
      this.chain(this.product, () => this.OR([{ ALT: () => this.CONSUME(Mark.Plus) }, { ALT: () => this.CONSUME(Mark.Minus) }])),
  );
  private readonly product = this.RULE(
    "product",
    (): Expression =>
      this.chain(this.unary, () =>
        this.OR([
          { ALT: () => this.CONSUME(Mark.Star) },
          { ALT: () => this.CONSUME(Mark.Slash) },
          { ALT: () => this.CONSUME(Mark.Percent) },
        ]),
      ),
  );

  /** Operators of one level, to the left. The rules below are read when the parser runs, so that a level may name the next. */
  private chain(operand: ParserMethod<[], Expression>, operator: () => IToken): Expression {
    const start = this.position();
    let left = this.SUBRULE(operand);
    this.MANY(() => {
      const token = operator();
      const right = this.SUBRULE1(operand);
      left = { kind: "binary", operator: token.image as BinaryOperator, left, right, span: this.from(start) };
    });
    return left;
  }

  private readonly unary: ParserMethod<[], Expression> = this.RULE("unary", (): Expression => {
    const operators: IToken[] = [];
    this.MANY(() => {
      operators.push(this.OR([{ ALT: () => this.CONSUME(Mark.Not) }, { ALT: () => this.CONSUME(Mark.Minus) }]));
    });
    let value = this.SUBRULE(this.power);
    for (const token of operators.reverse()) {
      value = { kind: "unary", operator: token.image as UnaryExpression["operator"], operand: value, span: this.from(token.startOffset) };
    }
    return value;
  });

  private readonly power = this.RULE("power", (): Expression => {
    const start = this.position();
    const base = this.SUBRULE(this.postfix);
    let result = base;
    this.OPTION(() => {
      this.CONSUME(Mark.Power);
      const right = this.SUBRULE(this.unary);
      result = { kind: "binary", operator: "**", left: base, right, span: this.from(start) };
    });
    return result;
  });

  private readonly postfix = this.RULE("postfix", (): Expression => {
    const start = this.position();
    let value = this.SUBRULE(this.primary);
    this.MANY(() => {
      value = this.OR([
        { ALT: () => this.SUBRULE(this.dotted, { ARGS: [value, start] }) },
        {
          ALT: (): Expression => {
            this.CONSUME(Mark.OpenSquare);
            const index = this.SUBRULE(this.expression);
            this.CONSUME(Mark.CloseSquare);
            return { kind: "index", object: value, index, span: this.from(start) };
          },
        },
      ]);
    });
    return value;
  });

  private readonly dotted = this.RULE("dotted", (object: Expression, start: number): Expression => {
    this.CONSUME(Mark.Dot);
    const name = this.SUBRULE(this.identifier);
    let result: Expression = { kind: "member", object, property: name, span: this.from(start) };
    this.OPTION(() => {
      this.CONSUME(Mark.OpenRound);
      const items = this.separated(0, Mark.CloseRound, () => this.SUBRULE(this.expression));
      this.CONSUME(Mark.CloseRound);
      result = { kind: "method", object, method: name, arguments: items, span: this.from(start) };
    });
    return result;
  });

  private readonly primary = this.RULE(
    "primary",
    (): Expression =>
      this.OR<Expression>([
        { ALT: () => this.SUBRULE(this.number) },
        { ALT: () => this.SUBRULE(this.string) },
        { ALT: () => this.SUBRULE(this.bool) },
        { ALT: () => this.SUBRULE(this.parenthesised) },
        { ALT: () => this.SUBRULE(this.list) },
        { ALT: () => this.SUBRULE(this.record) },
        { ALT: () => this.SUBRULE(this.nameOrCall) },
      ]),
  );

  private readonly number = this.RULE("number", (): Expression => {
    const { image: text, startOffset } = this.CONSUME(NumberToken);
    return { kind: "number", value: Number(text), float: /[.eE]/.test(text), text, span: this.from(startOffset) };
  });

  private readonly bool = this.RULE("bool", (): Expression => {
    const token = this.OR([{ ALT: () => this.CONSUME(Word.true) }, { ALT: () => this.CONSUME(Word.false) }]);
    return { kind: "bool", value: token.image === "true", span: this.from(token.startOffset) };
  });

  private readonly parenthesised = this.RULE("parenthesised", (): Expression => {
    this.CONSUME(Mark.OpenRound);
    const allowed = this.labelsAllowed;
    this.labelsAllowed = true;
    const value = this.SUBRULE(this.expression);
    this.labelsAllowed = allowed;
    this.CONSUME(Mark.CloseRound);
    return value;
  });

  private readonly list = this.RULE("list", (): Expression => {
    const start = this.position();
    this.CONSUME(Mark.OpenSquare);
    const items = this.separated(0, Mark.CloseSquare, () => this.SUBRULE(this.expression));
    this.CONSUME(Mark.CloseSquare);
    return { kind: "list", items, span: this.from(start) };
  });

  private readonly record = this.RULE("record", (): Expression => {
    const start = this.position();
    const fields = this.SUBRULE(this.fields);
    return { kind: "record", fields, span: this.from(start) };
  });

  private readonly nameOrCall = this.RULE("nameOrCall", (): Expression => {
    const name = this.SUBRULE(this.identifier);
    let result: Expression = { kind: "name", name: name.name, span: name.span };
    this.OPTION(() => {
      result = this.SUBRULE(this.callRest, { ARGS: [name] });
    });
    return result;
  });

  private readonly callRest: ParserMethod<[IdentifierNode], CallExpression> = this.RULE(
    "callRest",
    (callee: IdentifierNode): CallExpression => {
      this.CONSUME(Mark.OpenRound);
      const items = this.separated(0, Mark.CloseRound, () => this.SUBRULE(this.argument));
      this.CONSUME(Mark.CloseRound);
      let label: Label | undefined;
      this.OPTION({
        GATE: () => this.labelsAllowed,
        DEF: () => {
          this.CONSUME(Word.as);
          label = this.SUBRULE(this.label);
        },
      });
      const span = this.ACTION(() => this.from(callee.span.start));
      return { kind: "call", callee, piped: undefined, arguments: items, label, callSpan: span, span };
    },
  );

  private readonly argument = this.RULE("argument", (): Argument => {
    const start = this.position();
    let name: IdentifierNode | undefined;
    this.OPTION({
      GATE: () => this.LA(2).tokenType === Mark.Colon,
      DEF: () => {
        name = this.SUBRULE(this.identifier);
        this.CONSUME(Mark.Colon);
      },
    });
    const value = this.SUBRULE(this.expression);
    return { name, value, span: this.from(start) };
  });
}
