/** A group to the kernels that it may have, the one that does well anywhere first. */

import { convolutionNames } from "../../../ops/windows.ts";
import { formOf, type KernelName } from "../forms/table.ts";
import { coreOf } from "../layout/group.ts";
import type { Stored } from "../layout/stored.ts";
import { attention, quadAttention } from "./attention.ts";
import { convolution, quadConvolution, squareWindow, turnedConvolution } from "./convolution.ts";
import { groupNorm, groupStatistics } from "./group-norm.ts";
import { longReduction } from "./long-reduction.ts";
import { layerNorm, reduction, rmsNorm, softmax } from "./norms.ts";
import { pointwise } from "./pointwise.ts";
import { isPointwise, product, quadProduct } from "./product.ts";
import { scatterAdd } from "./scatter-add.ts";
import { splitProduct } from "./split-product.ts";
import type { Draft, Task } from "./task.ts";
import { tiledProduct } from "./tiled-product.ts";
import { weightGradient } from "./weight-gradient.ts";
import { windowed } from "./windows.ts";

export type Drafts = readonly [Draft, ...Draft[]];

/** Rows of a product, and neighbouring pixels of a convolution, that one thread computes: what is taken, and what else a device may prefer. */
const productRows = [4, 8] as const;
const convolutionPixels = [8, 4] as const;

/** `matrix` is where the group's weight lies, which linear ops and convolutions have, and products of two values where the second is one. */
type Write = (task: Task, matrix: Stored | undefined) => Drafts;

/** Total: an op that is a kernel of its own has one here, or it does not compile. */
const writers: { readonly [O in KernelName]: Write } = {
  linear: (task, matrix) => products(task, packedOf(matrix)),
  matmul: (task, matrix) => {
    const second = matrix ?? task.scene.stored(coreOf(task.group, "matmul").inputs[1] ?? -1);
    if (second === undefined) throw new Error("kernels: a matmul whose second operand is not in memory");
    return products(task, second);
  },
  conv1d: convolutions,
  conv2d: convolutions,
  conv3d: convolutions,
  convTranspose1d: (task, matrix) => [windowed(task, packedOf(matrix))],
  convTranspose2d: (task, matrix) => [turnedConvolution(task, packedOf(matrix), convolutionPixels[0]) ?? windowed(task, packedOf(matrix))],
  convTranspose3d: (task, matrix) => [windowed(task, packedOf(matrix))],
  convWeightGradient: (task) => [weightGradient(task)],
  averagePool1d: (task) => [windowed(task, undefined)],
  averagePool2d: (task) => [windowed(task, undefined)],
  averagePool3d: (task) => [windowed(task, undefined)],
  attend: (task) => chosen(attention(task), [quadAttention(task)]),
  groupNorm: (task) => [groupNorm(task)],
  layerNorm: (task) => [layerNorm(task)],
  rmsNorm: (task) => [rmsNorm(task)],
  softmax: (task) => [softmax(task)],
  sum: (task) => [longReduction(task) ?? reduction(task)],
  mean: (task) => [longReduction(task) ?? reduction(task)],
  max: (task) => [longReduction(task) ?? reduction(task)],
  maskedSoftmax: (task) => [softmax(task)],
  scatterAdd: (task) => [scatterAdd(task)],
};

export function draftsOf(task: Task, matrix: Stored | undefined): Drafts {
  const { core, kind, tail } = task.group;
  if (kind === "statistics") return [groupStatistics(task)];
  if (core === undefined) return [pointwise(task)];
  if (formOf(core.op).kind !== "kernel") throw new Error(`kernels: ${core.op} at ${tail.origin.path} is no kernel of its own`);
  return writers[core.op as KernelName](task, matrix);
}

function packedOf(matrix: Stored | undefined): Stored {
  if (matrix === undefined) throw new Error("kernels: a product with a weight that is not packed");
  return matrix;
}

/** A window of one place is a product, and one of pictures that is square has kernels of its own. */
function convolutions(task: Task, matrix: Stored | undefined): Drafts {
  const core = coreOf(task.group, ...convolutionNames);
  const packed = packedOf(matrix);
  if (isPointwise(core)) return products(task, packed);
  if (core.op !== "conv2d" || squareWindow(core) === undefined) return chosen(windowed(task, packed), [tiledProduct(task, packed)]);
  const [most, fewer] = convolutionPixels;
  return chosen(convolution(task, packed, most), [
    convolution(task, packed, fewer),
    quadConvolution(task, packed, most),
    tiledProduct(task, packed),
  ]);
}

function products(task: Task, matrix: Stored): Drafts {
  const [few, more] = productRows;
  const most = task.group.gated ? more : 2 * more;
  return chosen(product(task, matrix, few), [
    product(task, matrix, more),
    quadProduct(task, matrix, most),
    tiledProduct(task, matrix),
    splitProduct(task, matrix),
  ]);
}

/** The others where the shapes allow them. */
function chosen(first: Draft, others: readonly (Draft | undefined)[]): Drafts {
  return [first, ...others.filter((one) => one !== undefined)];
}
