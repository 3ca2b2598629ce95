/** The options that say what is compiled, shared by `report`, `build` and `explain`, to the compiler's choices. */

import type { Choices, Setting } from "../compiler/expand/configure.ts";

export interface ChoiceOptions {
  readonly model?: string;
  readonly preset?: string;
  readonly ablation?: readonly string[];
  readonly set?: { readonly [name: string]: Setting };
  readonly precision: "f32" | "f16";
}

export function choicesOf(options: ChoiceOptions): Choices {
  return {
    model: options.model,
    preset: options.preset,
    ablations: options.ablation ?? [],
    settings: options.set ?? {},
    precision: options.precision,
  };
}
