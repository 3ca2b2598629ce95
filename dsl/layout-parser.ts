/** Tokens to the declarations that say under which keys checkpoints hold weights. */

import type { KeyNode, LayoutDeclaration, LayoutEntry } from "./ast.ts";
import type { Identifier as IdentifierNode, Levels } from "./expressions.ts";
import { Identifier, Mark, Word } from "./tokens.ts";
import { TypeParser } from "./type-parser.ts";

/** The words that are names everywhere else. */
const words = { drop: "drop", rows: "rows" };

export class LayoutParser extends TypeParser {
  protected readonly layout = this.RULE("layout", (): LayoutDeclaration => {
    const start = this.CONSUME(Word.layout).startOffset;
    const names: IdentifierNode[] = [this.SUBRULE(this.identifier)];
    this.MANY1(() => {
      this.CONSUME1(Mark.Comma);
      names.push(this.SUBRULE1(this.identifier));
    });
    this.CONSUME(Word.of);
    const of = this.SUBRULE2(this.identifier);
    this.CONSUME(Mark.OpenCurly);
    const entries = this.separated(0, Mark.CloseCurly, () => this.SUBRULE(this.layoutEntry));
    this.CONSUME(Mark.CloseCurly);
    return { kind: "layout", names, of, entries, doc: undefined, span: this.from(start) };
  });

  /** What is dropped is a list, and a label may be called `drop` all the same. */
  private readonly layoutEntry = this.RULE("layoutEntry", (): LayoutEntry => {
    const start = this.position();
    const drops = this.LA(1).image === words.drop && this.LA(3).tokenType === Mark.OpenSquare;
    const path = this.SUBRULE(this.levels);
    this.CONSUME(Mark.Colon);
    return this.OR<LayoutEntry>({
      DEF: [
        {
          GATE: () => drops,
          ALT: () => {
            const keys = this.SUBRULE(this.dropped);
            return { kind: "drop", keys, span: this.from(start) };
          },
        },
        {
          ALT: () => {
            const keys = this.SUBRULE(this.spellings);
            return { kind: "keys", path, keys, span: this.from(start) };
          },
        },
      ],
      ERR_MSG: "a key, as a string,",
    });
  });

  private readonly dropped = this.RULE("dropped", (): Levels[] => {
    this.CONSUME(Mark.OpenSquare);
    const keys = this.separated(0, Mark.CloseSquare, () => this.SUBRULE(this.holedString));
    this.CONSUME(Mark.CloseSquare);
    return keys;
  });

  private readonly spellings = this.RULE("spellings", (): KeyNode[] => {
    const keys = [this.SUBRULE(this.key)];
    this.MANY(() => {
      this.CONSUME(Mark.Bar);
      keys.push(this.SUBRULE1(this.key));
    });
    return keys;
  });

  private readonly key = this.RULE("key", (): KeyNode => {
    const start = this.position();
    const text = this.SUBRULE(this.holedString);
    let rows: KeyNode["rows"];
    this.OPTION({
      GATE: () => this.LA(1).image === words.rows,
      DEF: () => {
        this.CONSUME(Identifier);
        const index = this.SUBRULE(this.expression);
        this.CONSUME(Word.of);
        rows = { index, of: this.SUBRULE1(this.expression) };
      },
    });
    let shape: KeyNode["shape"];
    this.OPTION1(() => {
      this.CONSUME(Word.as);
      this.CONSUME(Mark.OpenSquare);
      shape = this.separated(0, Mark.CloseSquare, () => this.SUBRULE(this.axis));
      this.CONSUME(Mark.CloseSquare);
    });
    return { text, rows, shape, span: this.from(start) };
  });
}
