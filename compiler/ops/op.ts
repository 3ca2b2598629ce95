/** The form of one row of the op table: all that the compiler knows of an op, in one place (law 3). */

import type { AttributeSignature, OpSignature } from "../../dsl/index.ts";
import type { Axis } from "../graph/axis.ts";
import type { DType, OpValueOf, TensorType, ValueId, WeightInitialiser } from "../graph/graph.ts";
import type { OpAttributes, OpName } from "../graph/op-names.ts";

/** A type while shapes are checked: axes keep their names so that an error can say which is wrong. */
export interface AxisType {
  readonly dtype: DType;
  readonly axes: readonly Axis[];
}

/** Why a shape rule refuses: a sentence's parts, and the input or attribute that must change. */
export interface ShapeProblem {
  readonly code: "shape-mismatch" | "axis-mismatch" | "wrong-rank" | "wrong-dtype" | "not-divisible" | "bad-attribute";
  readonly message: string;
  readonly hint?: string;
  readonly at: { readonly input: number } | { readonly attribute: string } | "call";
}

/** The axis that an int attribute, or an item of one that is a list, makes: by its name where the call has one for it. */
export type AttributeAxis = (attribute: string, size: number, item?: number) => Axis;

/** A weight that an op owns: its name below the op's label, and its shape. */
export interface OwnedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: WeightInitialiser;
}

/** What floats are held in: f16 as f32, and all as f64 where finite differences are taken. */
export type Floats = Float32Array | Float64Array;

/** A tensor of the interpreter: row-major. */
export interface Tensor<F extends Floats = Float32Array> {
  readonly shape: readonly number[];
  readonly data: F | Int32Array;
}

/** The type of a result, and whether its floats are held as f64. */
export interface ResultType extends TensorType {
  readonly wide?: true;
}

/** Makes the ops that a composite is lowered to; the values it returns have the types that the shape rules infer. */
export interface Lowering {
  op<O extends OpName>(op: O, inputs: readonly ValueId[], attributes: OpAttributes[O]): ValueId;
  constant(type: TensorType, data: readonly number[]): ValueId;
  typeOf(id: ValueId): TensorType;
}

/** Place p reads the places ⌊(p·rows + low) / per⌋ to ⌊(p·rows + high) / per⌋. */
export interface Pace {
  readonly rows: number;
  readonly per: number;
  readonly low: number;
  readonly high: number;
}

/**
 * An axis of the result along which an element reads more than its own place of these inputs (of all, if none are named);
 * `directed` where it reads only places up to its own, and the `pace` at which it reads where that is known.
 */
export interface Mix {
  readonly axis: number;
  readonly inputs?: readonly number[];
  readonly directed?: true;
  readonly pace?: Pace;
}

type AttributeName<O extends OpName> = { readonly [Name in O]: keyof OpAttributes[Name] }[O];

/** An op's signature, whose attributes are those that its values carry. */
interface SignatureOf<O extends OpName> extends OpSignature {
  readonly name: O;
  readonly attributes: readonly (AttributeSignature & { readonly name: AttributeName<O> })[];
}

/** A use of an op that a test expands: with tensors and dims of these names, the code's last line makes this. */
export interface Example {
  /** What it shows, where it is not the first. */
  readonly about?: string;
  /** Axes by name, `[N, S, C]`, after an element type that is not `float`: `i32 [N, S]`. */
  readonly given: { readonly [name: string]: string };
  readonly makes: string;
  readonly code: string;
}

/** What the page of reference says of an op besides its signature. */
export interface Manual {
  /** `[..., C] → [..., out]`. */
  readonly shapes: string;
  /** The weights that it owns, by axes and attributes, and how they start. */
  readonly weights?: readonly { readonly name: string; readonly shape: string; readonly starts: string }[];
  /** Whose convention it is: what PyTorch calls it, or the paper. */
  readonly source: string;
  readonly examples: readonly [Example, ...Example[]];
}

/** Names, attributes and doc, as the language sees them; `internal` ops cannot be written in a source, and have no page. */
type Seen = { readonly internal?: never; readonly manual: Manual } | { readonly internal: true; readonly manual?: never };

/** Methods, not properties: a row of one op stands where a row of any is asked for. */
interface Row<O extends OpName> {
  readonly signature: SignatureOf<O>;
  /** Whether it has the attribute `dtype`, the build's precision, which no call writes. */
  readonly takesPrecision?: true;
  /** The weights that the op owns, in the order in which they follow its inputs. Only where `signature.ownsWeights`. */
  weights?(inputs: readonly AxisType[], attributes: OpAttributes[O]): readonly OwnedWeight[];
  /** The result's type from the inputs' (without weights), or why there is none. An axis that passes through keeps its object; one of an attribute is `axisOf` it. */
  infer(inputs: readonly AxisType[], attributes: OpAttributes[O], axisOf?: AttributeAxis): AxisType | ShapeProblem;
  /** The axes that the op mixes, from the shapes of its inputs; reshapes and transposes, which move axes, mix none. */
  mixes(shapes: readonly (readonly number[])[], attributes: OpAttributes[O]): readonly Mix[];
  /** Floating-point operations, 2 × multiply-adds, as the field counts them; 0 for data movement. `inputs` includes weights. */
  flops(inputs: readonly TensorType[], output: TensorType, attributes: OpAttributes[O]): number;
  /** The slow and plain form that every other is tested against; accumulates in f64. `inputs` includes weights. */
  reference(inputs: readonly Tensor<Floats>[], attributes: OpAttributes[O], output: ResultType): Tensor<Floats>;
}

/** An op that every emitter knows. */
export type PrimitiveOp<O extends OpName = OpName> = Row<O> & Seen;

/** An op that is made of others for the targets that do not know it whole. */
export type CompositeOp<O extends OpName = OpName> = PrimitiveOp<O> & {
  lower(lowering: Lowering, inputs: readonly ValueId[], value: OpValueOf<O>): ValueId;
};

export type OpEntry<O extends OpName = OpName> = PrimitiveOp<O> | CompositeOp<O>;

export function isProblem(result: AxisType | ShapeProblem): result is ShapeProblem {
  return "code" in result;
}
