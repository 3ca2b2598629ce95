/** A model as code once a configuration is chosen: its blocks with what is fixed worked out, loops and names as the source has them; plain data, no syntax tree. */

import type { DType } from "../graph/graph.ts";
import type { OpName } from "../graph/op-names.ts";

export type PlainValue = number | boolean | string | readonly PlainValue[] | { readonly [field: string]: PlainValue };

/** What a name of a known value stands for. */
export type NameKind = "local" | "parameter" | "dim" | "global";

export type KnownOperator = "+" | "-" | "*" | "/" | "%" | "**" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "&&" | "||";

/** A value that is known when the model is built. */
export type Known =
  /** `float`: as the language tells 2 from 2.0. */
  | { readonly kind: "plain"; readonly value: PlainValue; readonly float?: boolean }
  | { readonly kind: "name"; readonly name: string; readonly of: NameKind }
  | { readonly kind: "list"; readonly items: readonly Known[] }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, Known> }
  | { readonly kind: "not"; readonly operand: Known }
  | { readonly kind: "minus"; readonly operand: Known }
  /** `whole`: both are ints, whose division comes out or is rounded down. */
  | { readonly kind: "binary"; readonly operator: KnownOperator; readonly left: Known; readonly right: Known; readonly whole: boolean }
  | { readonly kind: "choice"; readonly test: Known; readonly yes: Known; readonly no: Known }
  | { readonly kind: "length"; readonly of: Known }
  | { readonly kind: "item"; readonly list: Known; readonly index: Known }
  | { readonly kind: "field"; readonly record: Known; readonly field: string }
  | { readonly kind: "method"; readonly list: Known; readonly method: "reversed" | "min" | "max" }
  /** The number of the round of a loop, from 0. */
  | { readonly kind: "round"; readonly loop: LoopId }
  /** One number for each round of the loops around it, the outermost first. */
  | { readonly kind: "table"; readonly rows: PlainValue; readonly loops: readonly LoopId[] };

/** A `repeat` of a block, by its place among them. */
export type LoopId = number;

/** What a label adds to a weight path: texts and holes by turns, a text first. */
export interface Levels {
  readonly texts: readonly string[];
  readonly holes: readonly Known[];
}

/** The axes of a tensor as the block calls them; `size` where every call has the same. */
export interface AxisSize {
  readonly name: string;
  readonly known: Known | undefined;
}

export type Shape = readonly AxisSize[];

/** What is computed when the model runs: a tensor, or a list or record of them. */
export type Computed =
  | { readonly kind: "known"; readonly value: Known }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "weight"; readonly name: string }
  | { readonly kind: "tensors"; readonly items: readonly Computed[] }
  | { readonly kind: "fields"; readonly fields: ReadonlyMap<string, Computed> }
  | { readonly kind: "choose"; readonly test: Known; readonly yes: Computed; readonly no: Computed }
  | { readonly kind: "at"; readonly list: Computed; readonly index: Known }
  | { readonly kind: "of"; readonly record: Computed; readonly field: string }
  | { readonly kind: "reverse"; readonly list: Computed }
  | { readonly kind: "pop"; readonly list: string }
  | OpCall
  | BlockCall
  /** Reorders: `split` into one axis a factor, `order` of them, `stretched` to repeat along new axes, then `to`. */
  | {
      readonly kind: "arrange";
      readonly x: Computed;
      readonly split: readonly Known[] | undefined;
      readonly order: readonly number[] | undefined;
      readonly ones: readonly Known[] | undefined;
      readonly stretched: readonly Known[] | undefined;
      readonly to: readonly Known[] | undefined;
    }
  | { readonly kind: "view"; readonly x: Computed; readonly to: readonly Known[] }
  | { readonly kind: "range"; readonly size: Known }
  | { readonly kind: "constant"; readonly value: Known; readonly dtype: DType }
  | { readonly kind: "float"; readonly x: Computed };

export interface OpCall {
  readonly kind: "op";
  readonly op: OpName;
  readonly inputs: readonly Computed[];
  /** In the signature's order; of those that the call leaves out, the default. */
  readonly attributes: ReadonlyMap<string, Known>;
  /** The axes of each input, where it is a tensor. */
  readonly shapes: readonly (Shape | undefined)[];
  readonly dtype: DType;
  /** Where it owns weights: the channels that it is made for, and its label. */
  readonly weights: { readonly channels: Known | undefined; readonly label: Levels | undefined } | undefined;
}

export interface BlockCall {
  readonly kind: "call";
  /** By its place among the model's blocks, which may follow from the round: then all of them are of one block of the source. */
  readonly block: Known;
  readonly label: Levels | undefined;
  /** Tensors by the names of their parameters. */
  readonly tensors: ReadonlyMap<string, Computed>;
  /** What the block's dims and other parameters are, as the caller says it. */
  readonly given: ReadonlyMap<string, Known>;
}

/** How a weight starts; `deviation` is of its normals. */
export type CodeInit = { readonly kind: "zeros" | "ones" } | { readonly kind: "normal"; readonly deviation: Known };

export type CodeStatement =
  | { readonly kind: "set"; readonly name: string; readonly value: Known; readonly declares: boolean }
  | {
      readonly kind: "bind";
      readonly name: string;
      readonly value: Computed;
      readonly shape: Shape | undefined;
      readonly declares: boolean;
    }
  | { readonly kind: "push"; readonly list: string; readonly item: Computed }
  | { readonly kind: "if"; readonly test: Known; readonly yes: readonly CodeStatement[]; readonly no: readonly CodeStatement[] }
  | {
      readonly kind: "repeat";
      readonly loop: LoopId;
      readonly element: string | undefined;
      readonly index: string | undefined;
      /** A list, or how often. */
      readonly range: Computed;
      readonly counts: boolean;
      /** How often it is done, where a list of tensors says it. */
      readonly rounds: Known | undefined;
      /** Plain labels are followed by the round's number. */
      readonly label: Levels | undefined;
      readonly numbered: boolean;
      readonly body: readonly CodeStatement[];
    }
  | { readonly kind: "weight"; readonly name: string; readonly shape: readonly Known[]; readonly init: CodeInit }
  | { readonly kind: "return"; readonly value: Computed; readonly shape: Shape | undefined };

export interface CodeParameter {
  readonly name: string;
  /** Undefined where it is known when the model is built; `list` where it holds several tensors or none. */
  readonly tensor: { readonly shape: Shape; readonly dtype: DType; readonly isFloat: boolean } | "several" | undefined;
  /** What it is where it is known when the model is built. */
  readonly type: "int" | "float" | "bool" | "string" | "list" | "record" | undefined;
  /** What calls may leave out. */
  readonly value: PlainValue | undefined;
}

export interface CodeBlock {
  readonly name: string;
  readonly doc: string | undefined;
  readonly dims: readonly string[];
  readonly parameters: readonly CodeParameter[];
  /** Whether it or a block that it calls has weights. */
  readonly owns: boolean;
  readonly body: readonly CodeStatement[];
}

export interface CodeGlobal {
  readonly name: string;
  readonly value: PlainValue;
  readonly float: boolean;
  /** Whether it is an axis of the program or the model. */
  readonly isDim: boolean;
  readonly doc: string | undefined;
}

export interface CodeGraph {
  readonly name: string;
  readonly doc: string | undefined;
  /** The graph's own body, whose tensors are its inputs. */
  readonly block: CodeBlock;
  /** At the sizes of this build; `ids` is how many ids its smallest table has. */
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: DType;
    readonly ids: number | undefined;
  }[];
}

/** A loss of a stage of training. */
export interface CodeLoss extends CodeGraph {
  /** What it gives by name, the minimised one first, and where in what its body returns each lies. */
  readonly outputs: readonly { readonly name: string; readonly path: readonly (string | number)[] }[];
}

/** A model with the losses that train it. */
export interface LossCode {
  readonly model: ModelCode;
  readonly losses: readonly CodeLoss[];
  /** The model's, and behind them those that losses alone call, or call in ways that the model's do not go. */
  readonly blocks: readonly CodeBlock[];
  /** The model's, and behind them those that losses alone read. */
  readonly globals: readonly CodeGlobal[];
}

export interface ModelCode {
  readonly name: string;
  readonly preset: string | null;
  readonly ablations: readonly string[];
  readonly doc: string | undefined;
  /** What the file says of itself. */
  readonly about: string | undefined;
  /** Dims, params and consts that the code reads. */
  readonly globals: readonly CodeGlobal[];
  /** Each behind those that it calls. */
  readonly blocks: readonly CodeBlock[];
  readonly graphs: readonly CodeGraph[];
  readonly precision: "f32" | "f16";
  /** The graph that the sampler loops; null where there is none. */
  readonly looped: string | null;
}
