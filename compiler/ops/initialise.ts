/** How a call says that its weights start, to initialisers: what a module of PyTorch starts with, or another of the field's ways. */

import type { WeightInitialiser } from "../graph/graph.ts";
import type { ShapeProblem } from "./op.ts";

/** Of a scale and a shift: ones and zeros, or zeros, so that a branch which ends in the norm adds nothing at first (Goyal et al., 2017). */
export const scaleInit = {
  name: "init",
  kind: { oneOf: ["default", "zeros"] },
  default: "default",
  doc: "how the weights start",
} as const;

/** Of a matrix and its bias: PyTorch's `nn.Linear`; all zeros; Glorot's uniform, or normal of deviation 0.02, each with a bias of zeros, as transformers start (Peebles and Xie, 2022). */
export const matrixInit = {
  name: "init",
  kind: { oneOf: ["default", "zeros", "xavier", "normal"] },
  default: "default",
  doc: "how the weights start: as below, as zeros, or with a bias of zeros and a matrix uniform within ±√(6 / (C + out)) or normal of deviation 0.02",
} as const;

/** Of a table of embeddings: normal of deviation 0.02; all zeros; or PyTorch's `nn.Embedding`, normal of deviation 1. */
export const tableInit = {
  name: "init",
  kind: { oneOf: ["normal", "zeros", "unit"] },
  default: "normal",
  doc: "how the weights start: normal of deviation 0.02, as zeros, or normal of deviation 1",
} as const;

export type ScaleInit = (typeof scaleInit.kind.oneOf)[number];
export type MatrixInit = (typeof matrixInit.kind.oneOf)[number];

export const zeros: WeightInitialiser = { kind: "zeros" };
export const ones: WeightInitialiser = { kind: "ones" };

/** What GPT-2, BERT and DiT start embeddings and matrices with. */
export const normal: WeightInitialiser = { kind: "normal", deviation: 0.02 };

export const tableStarts: { readonly [init in (typeof tableInit.kind.oneOf)[number]]: WeightInitialiser } = {
  normal,
  zeros,
  unit: { kind: "normal", deviation: 1 },
};

/** A matrix [out, width], and its bias. */
export function startMatrix(init: MatrixInit, out: number, width: number): readonly [matrix: WeightInitialiser, bias: WeightInitialiser] {
  switch (init) {
    case "default": {
      const uniform: WeightInitialiser = { kind: "uniform", bound: 1 / Math.sqrt(width) };
      return [uniform, uniform];
    }
    case "zeros":
      return [zeros, zeros];
    case "xavier":
      return [{ kind: "uniform", bound: Math.sqrt(6 / (out + width)) }, zeros];
    case "normal":
      return [normal, zeros];
  }
}

/** Refuses to start weights that are switched off. */
export function refuseInit(op: string, affine: boolean, init: ScaleInit): ShapeProblem | undefined {
  if (affine || init === "default") return undefined;
  const message = `\`${op}\` has no weights that could start as ${init}: \`affine\` is false`;
  return { code: "bad-attribute", message, at: { attribute: "init" } };
}
