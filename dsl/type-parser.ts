/** Tokens to the types of the syntax tree: the middle third of the grammar, between expressions and declarations. */

import type { ParserMethod } from "chevrotain";
import type { LiteralTypeNode, ScalarTypeNode, TypeNode } from "./ast.ts";
import { ExpressionParser } from "./expression-parser.ts";
import type { Expression } from "./expressions.ts";
import { AnyAxis, Identifier, Mark } from "./tokens.ts";

const scalarNames = new Set(["int", "float", "bool", "string"]);

export class TypeParser extends ExpressionParser {
  protected readonly type: ParserMethod<[], TypeNode> = this.RULE("type", (): TypeNode => {
    const start = this.position();
    let type = this.SUBRULE(this.elementType);
    this.MANY(() => {
      this.CONSUME(Mark.OpenSquare);
      this.CONSUME(Mark.CloseSquare);
      type = { kind: "list-type", element: type, span: this.from(start) };
    });
    return type;
  });

  private readonly elementType = this.RULE(
    "elementType",
    (): TypeNode =>
      this.OR<TypeNode>([
        { ALT: () => this.SUBRULE(this.literalType) },
        { ALT: () => this.SUBRULE(this.recordType) },
        { GATE: () => this.LA(1).image === "Tensor", ALT: () => this.SUBRULE(this.tensorType) },
        { ALT: () => this.SUBRULE(this.namedType) },
      ]),
  );

  private readonly literalType = this.RULE("literalType", (): LiteralTypeNode => {
    const start = this.position();
    const values = [this.SUBRULE(this.string)];
    this.MANY(() => {
      this.CONSUME(Mark.Bar);
      values.push(this.SUBRULE1(this.string));
    });
    return { kind: "literal-type", values, span: this.from(start) };
  });

  private readonly recordType = this.RULE("recordType", (): TypeNode => {
    const start = this.position();
    this.CONSUME(Mark.OpenCurly);
    const fields = this.separated(0, Mark.CloseCurly, () => {
      const name = this.SUBRULE(this.identifier);
      this.CONSUME(Mark.Colon);
      return { name, type: this.SUBRULE(this.type) };
    });
    this.CONSUME(Mark.CloseCurly);
    return { kind: "record-type", fields, span: this.from(start) };
  });

  private readonly tensorType = this.RULE("tensorType", (): TypeNode => {
    const start = this.position();
    this.CONSUME(Identifier);
    this.CONSUME(Mark.Less);
    const dtype = this.SUBRULE(this.identifier);
    this.CONSUME1(Mark.Comma);
    this.CONSUME(Mark.OpenSquare);
    const axes = this.separated(1, Mark.CloseSquare, () => this.SUBRULE(this.axis));
    this.CONSUME(Mark.CloseSquare);
    this.CONSUME(Mark.Greater);
    return { kind: "tensor-type", dtype, axes, span: this.from(start) };
  });

  protected readonly axis = this.RULE(
    "axis",
    (): Expression => this.OR([{ ALT: () => this.SUBRULE(this.anyAxis) }, { ALT: () => this.SUBRULE(this.expression) }]),
  );

  private readonly typeArgument = this.RULE(
    "typeArgument",
    (): Expression => this.OR([{ ALT: () => this.SUBRULE(this.anyAxis) }, { ALT: () => this.SUBRULE(this.sum) }]),
  );

  private readonly anyAxis = this.RULE("anyAxis", (): Expression => ({ kind: "name", ...this.identifierOf(this.CONSUME(AnyAxis)) }));

  private readonly namedType = this.RULE("namedType", (): TypeNode => {
    const start = this.position();
    const name = this.SUBRULE(this.identifier);
    let items: Expression[] = [];
    this.OPTION(() => {
      this.CONSUME(Mark.Less);
      items = this.separated(0, Mark.Greater, () => this.SUBRULE(this.typeArgument));
      this.CONSUME(Mark.Greater);
    });
    if (scalarNames.has(name.name) && items.length === 0) {
      return { kind: "scalar-type", scalar: name.name as ScalarTypeNode["scalar"], span: this.from(start) };
    }
    return { kind: "named-type", name, arguments: items, span: this.from(start) };
  });
}
