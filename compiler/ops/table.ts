/** The op table: every op that a graph can hold, by its name (law 3). A row that misses a part does not compile. */

import type { OpSignature } from "../../dsl/index.ts";
import type { OpName } from "../graph/op-names.ts";
import { after } from "./after.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { attend } from "./attend.ts";
import { averagePool1d, averagePool2d, averagePool3d } from "./average-pool.ts";
import { cast } from "./cast.ts";
import { concat } from "./concat.ts";
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from "./convolution.ts";
import { abs, cos, erf, exp, gelu, log, quickGelu, relu, sigmoid, silu, sin, sqrt, step, tanh } from "./elementwise.ts";
import { embedding } from "./embedding.ts";
import { gather } from "./gather.ts";
import { geglu } from "./geglu.ts";
import { broadcast, reshape, transpose } from "./layout.ts";
import { linear } from "./linear.ts";
import { matmul } from "./matmul.ts";
import { groupNorm, layerNorm } from "./normalise.ts";
import type { CompositeOp, Manual, OpEntry } from "./op.ts";
import { pad } from "./pad.ts";
import { max, mean, sum } from "./reduce.ts";
import { rmsNorm } from "./rms-norm.ts";
import { rotary } from "./rotary.ts";
import { scatterAdd } from "./scatter-add.ts";
import { sinusoid } from "./sinusoid.ts";
import { slice } from "./slice.ts";
import { maskedSoftmax, softmax } from "./softmax.ts";
import { upsample } from "./upsample.ts";
import { convWeightGradient } from "./weight-gradient.ts";

export const opTable = {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  averagePool1d,
  averagePool2d,
  averagePool3d,
  linear,
  groupNorm,
  layerNorm,
  rmsNorm,
  embedding,
  attend,
  silu,
  gelu,
  quickGelu,
  sigmoid,
  tanh,
  exp,
  log,
  relu,
  sqrt,
  sin,
  cos,
  abs,
  geglu,
  softmax,
  sum,
  mean,
  max,
  matmul,
  sinusoid,
  rotary,
  gather,
  upsample,
  concat,
  slice,
  pad,
  add,
  sub,
  mul,
  div,
  reshape,
  transpose,
  broadcast,
  cast,
  maskedSoftmax,
  convWeightGradient,
  after,
  step,
  erf,
  scatterAdd,
} satisfies { readonly [O in OpName]: OpEntry<O> };

/** The ops that lower to others; every target knows all the rest. */
export type CompositeName = { [O in OpName]: (typeof opTable)[O] extends CompositeOp<O> ? O : never }[OpName];
export type PrimitiveName = Exclude<OpName, CompositeName>;

const entries: readonly OpEntry[] = Object.values(opTable);

/** The ops that a source can call. */
export const opSignatures: readonly OpSignature[] = entries.filter((row) => !row.internal).map((row) => row.signature);

/** What the page of reference says of each op that a source can call. */
export const opManuals: readonly { readonly signature: OpSignature; readonly manual: Manual }[] = entries.flatMap(
  ({ signature, manual }) => (manual === undefined ? [] : [{ signature, manual }]),
);

/** The operators that a source writes between tensors, each an op of the table. */
export const operators: readonly OpSignature[] = [add, sub, mul, div].map(({ signature }) => signature);

export function isOpName(name: string): name is OpName {
  return Object.hasOwn(opTable, name);
}

/** The row of an op. */
export function opEntry(name: OpName): OpEntry {
  return opTable[name];
}

export function isComposite(name: OpName): name is CompositeName {
  return "lower" in opTable[name];
}
