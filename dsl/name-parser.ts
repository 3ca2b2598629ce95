/** Tokens to names, strings and labels, with the span of each: what all other rules of the grammar are made of. */

import { EmbeddedActionsParser, type IToken, type ParserMethod, type TokenType } from "chevrotain";
import type { Expression, Identifier as IdentifierNode, Label, Levels, Span, StringLiteral } from "./expressions.ts";
import { isLabel, tied as tiedWord } from "./label-tokens.ts";
import { expectationProvider } from "./syntax-errors.ts";
import { AnyName, Identifier, LabelEnd, LabelMiddle, LabelStart, Mark, StringToken, tokens } from "./tokens.ts";

export abstract class NameParser extends EmbeddedActionsParser {
  /** The file that spans name; set before each parse. */
  protected path = "";
  /** What stands in the holes of a string. */
  protected abstract readonly expression: ParserMethod<[], Expression>;

  /** `validate` checks the grammar itself, which only its test needs. */
  constructor(validate: boolean) {
    super([...tokens], { maxLookahead: 2, skipValidations: !validate, errorMessageProvider: expectationProvider });
  }

  protected from(start: number): Span {
    const last = this.LA(0);
    return { file: this.path, start, end: last.startOffset + last.image.length };
  }

  protected position(): number {
    return this.LA(1).startOffset;
  }

  protected identifierOf(token: IToken): IdentifierNode {
    return { name: token.image, span: { file: this.path, start: token.startOffset, end: token.startOffset + token.image.length } };
  }

  /** `close` ends a list of items with an optional comma after the last. */
  protected separated<T>(occurrence: 0 | 1, close: TokenType, item: () => T): T[] {
    const items: T[] = [];
    const comma = { ERR_MSG: `\`,\` or ${close.LABEL}` };
    const parse = () => {
      items.push(item());
      if (this.LA(1).tokenType !== close) this.CONSUME(Mark.Comma, comma);
    };
    if (occurrence === 0) this.MANY({ GATE: () => this.LA(1).tokenType !== close, DEF: parse });
    else this.MANY1({ GATE: () => this.LA(1).tokenType !== close, DEF: parse });
    return items;
  }

  protected readonly identifier = this.RULE("identifier", (): IdentifierNode => this.identifierOf(this.CONSUME(Identifier)));

  protected readonly anyName = this.RULE("anyName", (): IdentifierNode => this.identifierOf(this.CONSUME(AnyName)));

  /** Nothing but a label can follow `as`, so words of the language may be used. */
  protected readonly label: ParserMethod<[], Label> = this.RULE("label", (): Label => {
    let tied = false;
    this.OPTION({
      GATE: () => this.LA(1).image === tiedWord && isLabel(this.LA(2)),
      DEF: () => {
        this.CONSUME(Identifier);
        tied = true;
      },
    });
    const levels = this.SUBRULE(this.levels);
    return { ...levels, tied };
  });

  protected readonly levels = this.RULE(
    "levels",
    (): Levels =>
      this.OR([
        {
          ALT: () => {
            const { name, span } = this.SUBRULE(this.anyName);
            return { texts: [name], holes: [], span };
          },
        },
        { ALT: () => this.SUBRULE(this.holedString) },
      ]),
  );

  /** A string that may have holes. */
  protected readonly holedString = this.RULE("holedString", (): Levels => {
    const start = this.position();
    const { texts, holes } = this.OR([
      {
        ALT: () => {
          const { value } = this.SUBRULE(this.string);
          return { texts: [value], holes: [] };
        },
      },
      { ALT: () => this.SUBRULE(this.holed) },
    ]);
    return { texts, holes, span: this.from(start) };
  });

  /** A string with holes, as `label-tokens.ts` cuts it. */
  private readonly holed = this.RULE("holed", (): Pick<Levels, "texts" | "holes"> => {
    const texts = [this.CONSUME(LabelStart).image.slice(1, -1)];
    const holes: Expression[] = [];
    holes.push(this.SUBRULE(this.expression));
    this.MANY(() => {
      texts.push(this.CONSUME(LabelMiddle).image.slice(1, -1));
      holes.push(this.SUBRULE1(this.expression));
    });
    texts.push(this.CONSUME(LabelEnd).image.slice(1, -1));
    return { texts, holes };
  });

  protected readonly string = this.RULE("string", (): StringLiteral => {
    const token = this.CONSUME(StringToken);
    const value = this.ACTION(() => unescaped(token.image));
    return { kind: "string", value, span: this.identifierOf(token).span };
  });
}

/** The text of a string token; the lexer has seen to it that its quotes are closed. */
function unescaped(image: string): string {
  return image.slice(1, -1).replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}
