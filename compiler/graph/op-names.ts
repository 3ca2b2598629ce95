/** The ops that a graph can hold, each with the attributes that a value of it carries: the closed union that every table over ops is total in. */

import type { DType } from "./dtype.ts";

/** One for all axes that an op goes along, or one an axis. */
export type PerAxis<T> = T | readonly T[];

/** Places beyond the ends of an axis, in words of what comes of them or as so many at each end. */
export type Padding = "same" | "causal" | "end" | "none" | number;

interface Convolution {
  readonly out: number;
  readonly kernel: PerAxis<number>;
  readonly stride: PerAxis<number>;
  readonly padding: PerAxis<Padding>;
  readonly dilation: PerAxis<number>;
  readonly groups: number;
  readonly bias: boolean;
  readonly init: "default" | "zeros";
}

/** Windows by numbers alone, one an axis; `before` are the places that the first window begins ahead of the axis. */
interface WeightGradient {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly groups: number;
}

interface Pool {
  readonly kernel: PerAxis<number>;
  readonly stride: PerAxis<number | "kernel">;
}

export interface OpAttributes {
  readonly conv1d: Convolution;
  readonly conv2d: Convolution;
  readonly conv3d: Convolution;
  readonly convTranspose1d: Convolution;
  readonly convTranspose2d: Convolution;
  readonly convTranspose3d: Convolution;
  readonly convWeightGradient: WeightGradient;
  readonly averagePool1d: Pool;
  readonly averagePool2d: Pool;
  readonly averagePool3d: Pool;
  readonly linear: { readonly out: number; readonly bias: boolean; readonly init: "default" | "zeros" | "xavier" | "normal" };
  readonly groupNorm: { readonly groups: number; readonly eps: number; readonly init: "default" | "zeros" };
  readonly layerNorm: { readonly eps: number; readonly affine: boolean; readonly init: "default" | "zeros" };
  readonly rmsNorm: { readonly eps: number; readonly affine: boolean; readonly init: "default" | "zeros" };
  /** `dtype` of these two is the build's precision, which no input's type tells. */
  readonly embedding: {
    readonly vocabulary: number;
    readonly width: number;
    readonly init: "normal" | "zeros" | "unit";
    readonly dtype: Exclude<DType, "i32">;
  };
  readonly sinusoid: {
    readonly width: number;
    readonly order: "cos-sin" | "sin-cos";
    readonly shift: number;
    readonly maxPeriod: number;
    readonly scale: number;
    readonly dtype: Exclude<DType, "i32">;
  };
  readonly rotary: { readonly base: number; readonly pairs: "interleaved" | "halves" };
  readonly gather: { readonly axis: number };
  readonly attend: { readonly heads: number; readonly causal: boolean };
  readonly silu: None;
  readonly gelu: { readonly approximate: "none" | "tanh" };
  readonly quickGelu: None;
  readonly sigmoid: None;
  readonly tanh: None;
  readonly exp: None;
  readonly log: None;
  readonly relu: None;
  readonly sqrt: None;
  readonly sin: None;
  readonly cos: None;
  readonly abs: None;
  readonly geglu: None;
  readonly softmax: { readonly axis: number };
  readonly sum: { readonly axis: number };
  readonly mean: { readonly axis: number };
  readonly max: { readonly axis: number };
  readonly maskedSoftmax: None;
  readonly matmul: None;
  readonly upsample: { readonly factor: number };
  /** `inPlace` where the inputs are computed where the whole is to lie, so that joining them moves nothing. */
  readonly concat: { readonly axis: number; readonly inPlace?: true };
  readonly slice: { readonly axis: number; readonly start: number; readonly size: number };
  readonly pad: { readonly axis: number; readonly before: number; readonly after: number };
  readonly add: None;
  readonly sub: None;
  readonly mul: None;
  readonly div: None;
  readonly reshape: { readonly shape: readonly number[] };
  readonly transpose: { readonly permutation: readonly number[] };
  readonly broadcast: { readonly shape: readonly number[] };
  readonly cast: { readonly to: DType };
  readonly after: None;
  readonly step: None;
  readonly erf: None;
  /** `size` is that of the axis which takes the place of the indices' axes. */
  readonly scatterAdd: { readonly axis: number; readonly size: number };
}

type None = { readonly [name in never]: never };

export type OpName = keyof OpAttributes;
