/** The gradient rule of each primitive op: a total table, so that an op without one does not compile. */

import type { PrimitiveName } from "../ops/table.ts";
import { elementGradients } from "./elements.ts";
import { layoutGradients } from "./layout.ts";
import { normGradients } from "./norms.ts";
import { operatorGradients } from "./operators.ts";
import { productGradients } from "./products.ts";
import { reductionGradients } from "./reductions.ts";
import type { GradientRule } from "./rule.ts";
import { windowGradients } from "./windows.ts";

export const gradientRules: { readonly [O in PrimitiveName]: GradientRule<O> } = {
  ...elementGradients,
  ...operatorGradients,
  ...productGradients,
  ...layoutGradients,
  ...reductionGradients,
  ...normGradients,
  ...windowGradients,
};
