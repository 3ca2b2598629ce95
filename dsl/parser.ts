/** Text to the syntax tree of a file: the declarations and statements of the grammar, and one parse for each declaration so that errors do not hide each other. */

import type { IToken, ParserMethod } from "chevrotain";
import type {
  ConstDeclaration,
  Declaration,
  IfStatement,
  ModelDim,
  ModelMember,
  Parameter,
  RepeatStatement,
  Statement,
  WeightInit,
} from "./ast.ts";
import type { Expression, Identifier as IdentifierNode, Label } from "./expressions.ts";
import { LayoutParser } from "./layout-parser.ts";
import { Identifier, Mark, Word } from "./tokens.ts";

export class Parser extends LayoutParser {
  constructor(validate = false) {
    super(validate);
    this.performSelfAnalysis();
  }

  /** Parses the tokens of one or more declarations; `errors` of the parser tell whether the result is whole. */
  parseDeclarations(path: string, tokens: IToken[]): Declaration[] {
    this.input = tokens;
    this.begin(path);
    return this.declarations() ?? [];
  }

  readonly declarations = this.RULE("declarations", (): Declaration[] => {
    const found: Declaration[] = [];
    this.MANY(() => found.push(this.SUBRULE(this.declaration)));
    return found;
  });

  private readonly declaration = this.RULE(
    "declaration",
    (): Declaration =>
      this.OR<Declaration>([
        { ALT: () => this.SUBRULE(this.importDeclaration) },
        { ALT: () => this.SUBRULE(this.dim) },
        { ALT: () => this.SUBRULE(this.typeDeclaration) },
        { ALT: () => this.SUBRULE(this.param) },
        { ALT: () => this.SUBRULE(this.constant) },
        { ALT: () => this.SUBRULE(this.block) },
        { ALT: () => this.SUBRULE(this.model) },
        { ALT: () => this.SUBRULE(this.overrides) },
        { ALT: () => this.SUBRULE(this.layout) },
      ]),
  );

  private readonly importDeclaration = this.RULE("importDeclaration", (): Declaration => {
    const start = this.CONSUME(Word.import).startOffset;
    const names = this.OR({
      DEF: [
        { ALT: () => this.SUBRULE(this.importedNames) },
        { GATE: () => this.LA(1).image === "layouts", ALT: () => this.SUBRULE(this.allLayouts) },
      ],
      ERR_MSG: Mark.OpenCurly.LABEL as string,
    });
    this.CONSUME(Word.from);
    const path = this.SUBRULE(this.string);
    this.CONSUME(Mark.Semicolon);
    return { kind: "import", layouts: names === "layouts", names: names === "layouts" ? [] : names, path, span: this.from(start) };
  });

  private readonly importedNames = this.RULE("importedNames", (): IdentifierNode[] => {
    this.CONSUME(Mark.OpenCurly);
    const names = this.separated(0, Mark.CloseCurly, () => this.SUBRULE(this.identifier));
    this.CONSUME(Mark.CloseCurly);
    return names;
  });

  private readonly allLayouts = this.RULE("allLayouts", (): "layouts" => {
    this.CONSUME(Identifier);
    return "layouts";
  });

  private readonly dim = this.RULE("dim", (): Declaration => {
    const start = this.CONSUME(Word.dim).startOffset;
    const { name, value } = this.SUBRULE(this.assigned);
    return { kind: "dim", name, value, doc: undefined, span: this.from(start) };
  });

  private readonly constant = this.RULE("constant", (): ConstDeclaration => {
    const start = this.CONSUME(Word.const).startOffset;
    const { name, value } = this.SUBRULE(this.assigned);
    return { kind: "const", name, value, doc: undefined, span: this.from(start) };
  });

  /** `name = value;` */
  private readonly assigned = this.RULE("assigned", (): { name: IdentifierNode; value: Expression } => {
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(Mark.Assign);
    const value = this.SUBRULE(this.expression);
    this.CONSUME(Mark.Semicolon);
    return { name, value };
  });

  private readonly typeDeclaration = this.RULE("typeDeclaration", (): Declaration => {
    const start = this.CONSUME(Word.type).startOffset;
    const name = this.SUBRULE(this.identifier);
    const parameters = this.SUBRULE(this.dims);
    this.CONSUME(Mark.Assign);
    const type = this.SUBRULE(this.type);
    this.CONSUME(Mark.Semicolon);
    return { kind: "type", name, parameters, type, doc: undefined, span: this.from(start) };
  });

  private readonly param = this.RULE("param", (): Declaration => {
    const start = this.CONSUME(Word.param).startOffset;
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(Mark.Colon);
    const type = this.SUBRULE(this.type);
    this.CONSUME(Mark.Assign);
    const value = this.SUBRULE(this.expression);
    this.CONSUME(Mark.Semicolon);
    return { kind: "param", name, type, value, doc: undefined, span: this.from(start) };
  });

  private readonly block = this.RULE("block", (): Declaration => {
    const start = this.CONSUME(Word.block).startOffset;
    const name = this.SUBRULE(this.identifier);
    const dims = this.SUBRULE(this.dims);
    const parameters = this.SUBRULE(this.parameters);
    this.CONSUME(Mark.Colon);
    const result = this.SUBRULE(this.type);
    const body = this.SUBRULE(this.body);
    return { kind: "block", name, dims, parameters, result, body, doc: undefined, span: this.from(start) };
  });

  /** `<C, H, W>`, or nothing. */
  private readonly dims = this.RULE("dims", (): IdentifierNode[] => {
    let names: IdentifierNode[] = [];
    this.OPTION(() => {
      this.CONSUME(Mark.Less);
      names = this.separated(0, Mark.Greater, () => this.SUBRULE(this.identifier));
      this.CONSUME(Mark.Greater);
    });
    return names;
  });

  private readonly parameters = this.RULE("parameters", (): Parameter[] => {
    this.CONSUME(Mark.OpenRound);
    const found = this.separated(0, Mark.CloseRound, () => this.SUBRULE(this.parameter));
    this.CONSUME(Mark.CloseRound);
    return found;
  });

  private readonly parameter = this.RULE("parameter", (): Parameter => {
    const start = this.position();
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(Mark.Colon);
    const type = this.SUBRULE(this.type);
    let value: Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(Mark.Assign);
      value = this.SUBRULE(this.expression);
    });
    return { name, type, value, span: this.from(start) };
  });

  private readonly model = this.RULE("model", (): Declaration => {
    const start = this.CONSUME(Word.model).startOffset;
    const name = this.SUBRULE(this.identifier);
    let dims: ModelDim[] = [];
    this.OPTION(() => {
      this.CONSUME(Mark.Less);
      dims = this.separated(0, Mark.Greater, () => this.SUBRULE(this.modelDim));
      this.CONSUME(Mark.Greater);
    });
    this.CONSUME(Mark.OpenCurly);
    const members: ModelMember[] = [];
    this.MANY1({ GATE: () => this.LA(1).tokenType !== Mark.CloseCurly, DEF: () => members.push(this.SUBRULE(this.member)) });
    this.CONSUME(Mark.CloseCurly, { ERR_MSG: "a member of the model (const, tokenizer, graph, sampler or train) or `}`" });
    return { kind: "model", name, dims, members, doc: undefined, span: this.from(start) };
  });

  private readonly modelDim = this.RULE("modelDim", (): ModelDim => {
    const start = this.position();
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(Mark.Assign);
    const value = this.SUBRULE(this.sum);
    return { name, value, span: this.from(start) };
  });

  private readonly member = this.RULE(
    "member",
    (): ModelMember =>
      this.OR<ModelMember>([
        { ALT: () => this.SUBRULE(this.constant) },
        { ALT: () => this.SUBRULE(this.tokenizer) },
        { ALT: () => this.SUBRULE(this.graph) },
        { ALT: () => this.SUBRULE(this.sampler) },
        { ALT: () => this.SUBRULE(this.train) },
      ]),
  );

  private readonly tokenizer = this.RULE("tokenizer", (): ModelMember => {
    const start = this.CONSUME(Word.tokenizer).startOffset;
    const fields = this.SUBRULE(this.fields);
    return { kind: "tokenizer", fields, doc: undefined, span: this.from(start) };
  });

  private readonly graph = this.RULE("graph", (): ModelMember => {
    const start = this.CONSUME(Word.graph).startOffset;
    const name = this.SUBRULE(this.identifier);
    const parameters = this.SUBRULE(this.parameters);
    this.CONSUME(Mark.Colon);
    const result = this.SUBRULE(this.type);
    const body = this.SUBRULE(this.body);
    return { kind: "graph", name, parameters, result, body, doc: undefined, span: this.from(start) };
  });

  private readonly sampler = this.RULE("sampler", (): ModelMember => {
    const start = this.CONSUME(Word.sampler).startOffset;
    const graph = this.SUBRULE(this.identifier);
    this.CONSUME(Mark.OpenRound);
    const inputs = this.separated(0, Mark.CloseRound, () => this.SUBRULE1(this.identifier));
    this.CONSUME(Mark.CloseRound);
    const fields = this.SUBRULE(this.fields);
    return { kind: "sampler", graph, inputs, fields, doc: undefined, span: this.from(start) };
  });

  private readonly train = this.RULE("train", (): ModelMember => {
    const start = this.CONSUME(Word.train).startOffset;
    const name = this.SUBRULE(this.identifier);
    const fields = this.SUBRULE(this.fields);
    return { kind: "train", name, fields, doc: undefined, span: this.from(start) };
  });

  /** A preset or an ablation: they differ in one word. */
  private readonly overrides = this.RULE("overrides", (): Declaration => {
    const word = this.OR([{ ALT: () => this.CONSUME(Word.preset) }, { ALT: () => this.CONSUME(Word.ablation) }]);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(Word.of);
    const model = this.SUBRULE1(this.identifier);
    const overrides = this.SUBRULE(this.fields);
    const kind = word.image === "preset" ? "preset" : "ablation";
    return { kind, name, model, overrides, doc: undefined, span: this.from(word.startOffset) };
  });

  private readonly body: ParserMethod<[], Statement[]> = this.RULE("body", (): Statement[] => {
    this.CONSUME(Mark.OpenCurly);
    const statements: Statement[] = [];
    this.MANY({ GATE: () => this.LA(1).tokenType !== Mark.CloseCurly, DEF: () => statements.push(this.SUBRULE(this.statement)) });
    this.CONSUME(Mark.CloseCurly, { ERR_MSG: "a statement or `}`" });
    return statements;
  });

  private readonly statement = this.RULE(
    "statement",
    (): Statement =>
      this.OR<Statement>([
        { ALT: () => this.SUBRULE(this.constant) },
        { ALT: () => this.SUBRULE(this.letStatement) },
        { ALT: () => this.SUBRULE(this.ifStatement) },
        { ALT: () => this.SUBRULE(this.repeat) },
        { ALT: () => this.SUBRULE(this.require) },
        { ALT: () => this.SUBRULE(this.weight) },
        { ALT: () => this.SUBRULE(this.returnStatement) },
        { GATE: () => this.LA(2).tokenType === Mark.Assign, ALT: () => this.SUBRULE(this.assign) },
        { ALT: () => this.SUBRULE(this.expressionStatement) },
      ]),
  );

  private readonly letStatement = this.RULE("letStatement", (): Statement => {
    const start = this.CONSUME(Word.let).startOffset;
    const { name, value } = this.SUBRULE(this.assigned);
    return { kind: "let", name, value, span: this.from(start) };
  });

  private readonly assign = this.RULE("assign", (): Statement => {
    const start = this.position();
    const { name, value } = this.SUBRULE(this.assigned);
    return { kind: "assign", name, value, span: this.from(start) };
  });

  private readonly ifStatement: ParserMethod<[], IfStatement> = this.RULE("ifStatement", (): IfStatement => {
    const start = this.CONSUME(Word.if).startOffset;
    this.CONSUME(Mark.OpenRound);
    const test = this.SUBRULE(this.expression);
    this.CONSUME(Mark.CloseRound);
    const then = this.SUBRULE(this.body);
    let otherwise: readonly Statement[] | undefined;
    this.OPTION(() => {
      this.CONSUME(Word.else);
      otherwise = this.OR([{ ALT: (): Statement[] => [this.SUBRULE(this.ifStatement)] }, { ALT: () => this.SUBRULE1(this.body) }]);
    });
    return { kind: "if", test, then, otherwise, span: this.from(start) };
  });

  private readonly repeat = this.RULE("repeat", (): RepeatStatement => {
    const start = this.CONSUME(Word.repeat).startOffset;
    let element: IdentifierNode | undefined;
    let index: IdentifierNode | undefined;
    this.OPTION({
      GATE: () => this.LA(1).tokenType === Identifier && (this.LA(2).tokenType === Mark.Comma || this.LA(2).tokenType === Word.of),
      DEF: () => {
        element = this.SUBRULE(this.identifier);
        this.OPTION1(() => {
          this.CONSUME(Mark.Comma);
          index = this.SUBRULE1(this.identifier);
        });
        this.CONSUME(Word.of);
      },
    });
    const range = this.SUBRULE(this.range);
    let label: Label | undefined;
    this.OPTION2(() => {
      this.CONSUME(Word.as);
      label = this.SUBRULE(this.label);
    });
    const body = this.SUBRULE(this.body);
    return { kind: "repeat", element, index, range, label, body, span: this.from(start) };
  });

  private readonly require = this.RULE("require", (): Statement => {
    const start = this.CONSUME(Word.require).startOffset;
    const test = this.SUBRULE(this.expression);
    this.CONSUME(Mark.Comma);
    const message = this.SUBRULE(this.string);
    this.CONSUME(Mark.Semicolon);
    return { kind: "require", test, message, span: this.from(start) };
  });

  private readonly weight = this.RULE("weight", (): Statement => {
    const start = this.CONSUME(Word.weight).startOffset;
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(Mark.Colon);
    const type = this.SUBRULE(this.type);
    this.CONSUME(Mark.Assign);
    const init = this.SUBRULE(this.weightInit);
    this.CONSUME(Mark.Semicolon);
    return { kind: "weight", name, type, init, span: this.from(start) };
  });

  /** `zeros`, `ones` or `normal(0.02)`: names here, not words of the language. */
  private readonly weightInit = this.RULE("weightInit", (): WeightInit => {
    const start = this.position();
    const kind = this.OR([
      { GATE: () => this.LA(1).image === "zeros", ALT: () => this.initNamed("zeros", 0) },
      { GATE: () => this.LA(1).image === "ones", ALT: () => this.initNamed("ones", 1) },
      { GATE: () => this.LA(1).image === "normal", ALT: () => this.initNamed("normal", 2) },
    ]);
    let deviation: Expression | undefined;
    this.OPTION({
      GATE: () => kind === "normal",
      DEF: () => {
        this.CONSUME(Mark.OpenRound);
        deviation = this.SUBRULE(this.expression);
        this.CONSUME(Mark.CloseRound);
      },
    });
    return { kind, deviation, span: this.from(start) };
  });

  /** chevrotain wants each occurrence of a token in a rule to have its own number. */
  private initNamed<K extends WeightInit["kind"]>(kind: K, occurrence: number): K {
    this.consume(occurrence, Identifier);
    return kind;
  }

  private readonly returnStatement = this.RULE("returnStatement", (): Statement => {
    const start = this.CONSUME(Word.return).startOffset;
    const value = this.SUBRULE(this.expression);
    this.CONSUME(Mark.Semicolon);
    return { kind: "return", value, span: this.from(start) };
  });

  private readonly expressionStatement = this.RULE("expressionStatement", (): Statement => {
    const start = this.position();
    const value = this.SUBRULE(this.expression);
    this.CONSUME(Mark.Semicolon);
    return { kind: "expression", value, span: this.from(start) };
  });
}
