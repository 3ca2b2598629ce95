/** The op table: every op that a graph can hold, by its name (law 3). A row that misses a part does not compile. */

import type { OpSignature } from "../../dsl/index.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { attend } from "./attend.ts";
import { cast } from "./cast.ts";
import { concat } from "./concat.ts";
import { conv2d } from "./conv2d.ts";
import { exp, gelu, quickGelu, sigmoid, silu, tanh } from "./elementwise.ts";
import { embedding } from "./embedding.ts";
import { geglu } from "./geglu.ts";
import { broadcast, reshape, transpose } from "./layout.ts";
import { linear } from "./linear.ts";
import { matmul } from "./matmul.ts";
import { groupNorm, layerNorm } from "./normalise.ts";
import type { OpEntry } from "./op.ts";
import { sinusoid } from "./sinusoid.ts";
import { slice } from "./slice.ts";
import { maskedSoftmax, softmax } from "./softmax.ts";
import { upsample } from "./upsample.ts";

const rows: readonly OpEntry[] = [
  conv2d,
  linear,
  groupNorm,
  layerNorm,
  embedding,
  attend,
  silu,
  gelu,
  quickGelu,
  sigmoid,
  tanh,
  exp,
  geglu,
  softmax,
  matmul,
  sinusoid,
  upsample,
  concat,
  slice,
  add,
  sub,
  mul,
  div,
  reshape,
  transpose,
  broadcast,
  cast,
  maskedSoftmax,
];

export const opTable: { readonly [name: string]: OpEntry } = Object.fromEntries(rows.map((row) => [row.signature.name, row]));

/** The ops that a source can call. */
export const opSignatures: readonly OpSignature[] = rows.filter((row) => !row.internal).map((row) => row.signature);

/** The row of an op; an unknown name is a bug of the stage that made the op. */
export function opEntry(name: string): OpEntry {
  const entry = Object.hasOwn(opTable, name) ? opTable[name] : undefined;
  if (entry === undefined) throw new Error(`op table: there is no op ${name}`);
  return entry;
}
