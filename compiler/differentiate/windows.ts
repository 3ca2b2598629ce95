/** Gradients of convolutions and pools. */

import type { ConvolutionName, PoolName, TransposedName } from "../ops/windows.ts";
import type { GradientRule } from "./rule.ts";

const missing = (): never => {
  throw new Error("differentiate: a convolution or pool, whose rule is written elsewhere");
};

export const windowGradients = {
  conv1d: missing,
  conv2d: missing,
  conv3d: missing,
  convTranspose1d: missing,
  convTranspose2d: missing,
  convTranspose3d: missing,
  averagePool1d: missing,
  averagePool2d: missing,
  averagePool3d: missing,
} satisfies { readonly [O in ConvolutionName | TransposedName | PoolName]: GradientRule<O> };
