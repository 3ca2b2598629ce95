/** The form of one row of the op table: all that the compiler knows of an op, in one place (law 3). */

import type { OpSignature } from "../../dsl/index.ts";
import type { Axis } from "../graph/axis.ts";
import type { Attributes, DType, OpValue, TensorType, ValueId, WeightInitialiser } from "../graph/graph.ts";
import type { OnnxWriter } from "../targets/onnx/writer.ts";
import type { WgslForm } from "../targets/webgpu/kernels/form.ts";

/** A type while shapes are checked: axes keep their names so that an error can say which is wrong. */
export interface AxisType {
  readonly dtype: DType;
  readonly axes: readonly Axis[];
}

/** Why a shape rule refuses: a sentence's parts, and the input or attribute that must change. */
export interface ShapeProblem {
  readonly code: "shape-mismatch" | "wrong-rank" | "wrong-dtype" | "not-divisible" | "bad-attribute";
  readonly message: string;
  readonly hint?: string;
  readonly at: { readonly input: number } | { readonly attribute: string } | "call";
}

/** A weight that an op owns: its name below the op's label, and its shape. */
export interface OwnedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: WeightInitialiser;
}

/** A tensor of the interpreter: row-major; f16 is held as f32. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Makes the ops that a composite is lowered to; the values it returns have the types that the shape rules infer. */
export interface Lowering {
  op(op: string, inputs: readonly ValueId[], attributes?: Attributes): ValueId;
  constant(type: TensorType, data: readonly number[]): ValueId;
  typeOf(id: ValueId): TensorType;
}

/** An axis of the result along which an element reads more than its own place; `directed` where it reads only places up to its own. */
export interface Mix {
  readonly axis: number;
  readonly directed?: true;
}

interface Common {
  /** Names, attributes and doc, as the language sees them; `internal` ops cannot be written in a source. */
  readonly signature: OpSignature;
  readonly internal?: true;
  /** The weights that the op owns, in the order in which they follow its inputs. Only where `signature.ownsWeights`. */
  readonly weights?: (inputs: readonly AxisType[], attributes: Attributes) => readonly OwnedWeight[];
  /** The result's type from the inputs' (without weights), or why there is none. An axis that passes through keeps its object. */
  readonly infer: (inputs: readonly AxisType[], attributes: Attributes) => AxisType | ShapeProblem;
  /** The axes that the op mixes, from the shapes of its inputs; reshapes and transposes, which move axes, mix none. */
  readonly mixes: (shapes: readonly (readonly number[])[], attributes: Attributes) => readonly Mix[];
  /** Floating-point operations, 2 × multiply-adds, as the field counts them; 0 for data movement. `inputs` includes weights. */
  readonly flops: (inputs: readonly TensorType[], output: TensorType, attributes: Attributes) => number;
  /** The slow and plain form that every other is tested against; accumulates in f64. `inputs` includes weights. */
  readonly reference: (inputs: readonly Tensor[], attributes: Attributes, output: TensorType) => Tensor;
  readonly wgsl: WgslForm;
}

/** An op that the emitters know. */
export interface PrimitiveOp extends Common {
  /** Writes the op's ONNX nodes and returns the name of the result; `inputs` are names of ONNX values, weights included. */
  readonly onnx: (writer: OnnxWriter, inputs: readonly string[], value: OpValue, types: readonly TensorType[]) => string;
}

/** An op that is made of others before emission. */
export interface CompositeOp extends Common {
  readonly lower: (lowering: Lowering, inputs: readonly ValueId[], value: OpValue) => ValueId;
}

export type OpEntry = PrimitiveOp | CompositeOp;

export function isProblem(result: AxisType | ShapeProblem): result is ShapeProblem {
  return "code" in result;
}
