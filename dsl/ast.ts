/** The syntax tree of a `.mv` file: plain readonly data, one interface a form, every node with its span. */

import type { Expression, Field, Identifier, Label, Levels, Span, StringLiteral } from "./expressions.ts";

export type * from "./expressions.ts";

/** One whole file. `doc` is the `///` text that opens it, before the first declaration and a blank line or an import. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly doc: string | undefined;
  readonly declarations: readonly Declaration[];
  readonly comments: readonly Comment[];
}

/** What can be read of a file beside its syntax errors. */
export interface PartialSource {
  readonly source: SourceFile;
  /** Of these only what stands before the body is known. */
  readonly incomplete: ReadonlySet<Declaration>;
  /** What declarations that could not be read may have declared. */
  readonly unknown: ReadonlySet<string>;
}

/** Every comment of the file in order, with its marker; the formatter puts them back. */
export interface Comment {
  readonly text: string;
  readonly span: Span;
}

export type Declaration =
  | ImportDeclaration
  | DimDeclaration
  | TypeDeclaration
  | ParamDeclaration
  | ConstDeclaration
  | BlockDeclaration
  | ModelDeclaration
  | PresetDeclaration
  | AblationDeclaration
  | LayoutDeclaration;

/** A declaration that gives its file a name. */
export type NamedDeclaration = Exclude<Declaration, ImportDeclaration | LayoutDeclaration>;

/** `import { A, B } from "./file.mv";`, or `import layouts from "./file.mv";`, which brings all layouts that the file declares, and no names. */
export interface ImportDeclaration {
  readonly kind: "import";
  readonly layouts: boolean;
  readonly names: readonly Identifier[];
  readonly path: StringLiteral;
  readonly span: Span;
}

/** `dim F = 16;` an axis of the whole program. */
export interface DimDeclaration {
  readonly kind: "dim";
  readonly name: Identifier;
  readonly value: Expression;
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `type Video<C, H, W> = Tensor<float, [B, F, C, H, W]>;` */
export interface TypeDeclaration {
  readonly kind: "type";
  readonly name: Identifier;
  readonly parameters: readonly Identifier[];
  readonly type: TypeNode;
  readonly doc: string | undefined;
  readonly span: Span;
}

export interface ParamDeclaration {
  readonly kind: "param";
  readonly name: Identifier;
  readonly type: TypeNode;
  readonly value: Expression;
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `const` of a file, of a model or of a body. */
export interface ConstDeclaration {
  readonly kind: "const";
  readonly name: Identifier;
  readonly value: Expression;
  readonly doc: string | undefined;
  readonly span: Span;
}

export interface BlockDeclaration {
  readonly kind: "block";
  readonly name: Identifier;
  /** Dims bound by the shapes of the arguments. */
  readonly dims: readonly Identifier[];
  readonly parameters: readonly Parameter[];
  readonly result: TypeNode;
  readonly body: readonly Statement[];
  readonly doc: string | undefined;
  readonly span: Span;
}

export interface Parameter {
  readonly name: Identifier;
  readonly type: TypeNode;
  readonly value: Expression | undefined;
  readonly span: Span;
}

export interface ModelDeclaration {
  readonly kind: "model";
  readonly name: Identifier;
  /** Dims of the model with their default sizes; presets may override them. */
  readonly dims: readonly ModelDim[];
  readonly members: readonly ModelMember[];
  readonly doc: string | undefined;
  readonly span: Span;
}

export interface ModelDim {
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

export type ModelMember = ConstDeclaration | GraphDeclaration | SamplerDeclaration | TokenizerDeclaration | TrainDeclaration;

export interface GraphDeclaration {
  readonly kind: "graph";
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  readonly result: TypeNode;
  readonly body: readonly Statement[];
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `sampler denoise(z, t) { … }`: the graph that is looped, and the inputs that change from step to step. */
export interface SamplerDeclaration {
  readonly kind: "sampler";
  readonly graph: Identifier;
  readonly inputs: readonly Identifier[];
  readonly fields: readonly Field[];
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `tokenizer { file: …, pad: … }` */
export interface TokenizerDeclaration {
  readonly kind: "tokenizer";
  readonly fields: readonly Field[];
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `train denoiser { loss: …, … }`: a stage of the training. */
export interface TrainDeclaration {
  readonly kind: "train";
  readonly name: Identifier;
  readonly fields: readonly Field[];
  readonly doc: string | undefined;
  readonly span: Span;
}

export interface PresetDeclaration {
  readonly kind: "preset";
  readonly name: Identifier;
  readonly model: Identifier;
  readonly overrides: readonly Field[];
  readonly doc: string | undefined;
  readonly span: Span;
}

export interface AblationDeclaration {
  readonly kind: "ablation";
  readonly name: Identifier;
  readonly model: Identifier;
  readonly overrides: readonly Field[];
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `layout compvis of ResBlock { norm1: "in_layers.0", … }`: under which keys checkpoints of that name hold the weights of a block or model. */
export interface LayoutDeclaration {
  readonly kind: "layout";
  readonly names: readonly Identifier[];
  readonly of: Identifier;
  readonly entries: readonly LayoutEntry[];
  readonly doc: string | undefined;
  readonly span: Span;
}

export type LayoutEntry = KeysEntry | DropEntry;

/** `query: "to_q" | "query"`: the spellings of what a path of weights begins with; the holes of the path bind numbers. */
export interface KeysEntry {
  readonly kind: "keys";
  readonly path: Levels;
  readonly keys: readonly KeyNode[];
  readonly span: Span;
}

/** `drop: ["logit_scale"]`: keys that checkpoints hold and the model has no use for. */
export interface DropEntry {
  readonly kind: "drop";
  readonly keys: readonly Levels[];
  readonly span: Span;
}

/** `"to_q"`; a run of the rows of what is stored, `"attn.in_proj_" rows 0 of 3`; or stored in another shape, `"q" as [_, _, 1, 1]`. */
export interface KeyNode {
  readonly text: Levels;
  readonly rows: { readonly index: Expression; readonly of: Expression } | undefined;
  /** Sizes, and `_` for the next axis of the weight's own. */
  readonly shape: readonly Expression[] | undefined;
  readonly span: Span;
}

export type TypeNode = TensorTypeNode | NamedTypeNode | ScalarTypeNode | ListTypeNode | RecordTypeNode | LiteralTypeNode;

/** `Tensor<float, [B, F, C]>`; `float` is the build's precision. */
export interface TensorTypeNode {
  readonly kind: "tensor-type";
  readonly dtype: Identifier;
  readonly axes: readonly Expression[];
  readonly span: Span;
}

/** `Video<C, H, W>`, a use of a `type` declaration. */
export interface NamedTypeNode {
  readonly kind: "named-type";
  readonly name: Identifier;
  readonly arguments: readonly Expression[];
  readonly span: Span;
}

export interface ScalarTypeNode {
  readonly kind: "scalar-type";
  readonly scalar: "int" | "float" | "bool" | "string";
  readonly span: Span;
}

export interface ListTypeNode {
  readonly kind: "list-type";
  readonly element: TypeNode;
  readonly span: Span;
}

export interface RecordTypeNode {
  readonly kind: "record-type";
  readonly fields: readonly { readonly name: Identifier; readonly type: TypeNode }[];
  readonly span: Span;
}

/** `"directed" | "full" | "none"` */
export interface LiteralTypeNode {
  readonly kind: "literal-type";
  readonly values: readonly StringLiteral[];
  readonly span: Span;
}

export type Statement =
  | ConstDeclaration
  | LetStatement
  | AssignStatement
  | IfStatement
  | RepeatStatement
  | RequireStatement
  | WeightStatement
  | ReturnStatement
  | ExpressionStatement;

export interface LetStatement {
  readonly kind: "let";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

export interface AssignStatement {
  readonly kind: "assign";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

export interface IfStatement {
  readonly kind: "if";
  readonly test: Expression;
  readonly then: readonly Statement[];
  /** An `else if` is an `otherwise` of one `if` statement. */
  readonly otherwise: readonly Statement[] | undefined;
  readonly span: Span;
}

/** `repeat level, i of levels as down { … }` over a list, or `repeat 2 as unit { … }` a number of times. */
export interface RepeatStatement {
  readonly kind: "repeat";
  readonly element: Identifier | undefined;
  readonly index: Identifier | undefined;
  readonly range: Expression;
  readonly label: Label | undefined;
  readonly body: readonly Statement[];
  readonly span: Span;
}

export interface RequireStatement {
  readonly kind: "require";
  readonly test: Expression;
  readonly message: StringLiteral;
  readonly span: Span;
}

/** `weight scale: Tensor<float, [F, C]> = ones;` */
export interface WeightStatement {
  readonly kind: "weight";
  readonly name: Identifier;
  readonly type: TypeNode;
  readonly init: WeightInit;
  readonly span: Span;
}

export interface WeightInit {
  readonly kind: "zeros" | "ones" | "normal";
  /** The standard deviation of `normal(0.02)`. */
  readonly deviation: Expression | undefined;
  readonly span: Span;
}

export interface ReturnStatement {
  readonly kind: "return";
  readonly value: Expression;
  readonly span: Span;
}

/** A call for its effect on a list: `skips.push(h);` */
export interface ExpressionStatement {
  readonly kind: "expression";
  readonly value: Expression;
  readonly span: Span;
}
