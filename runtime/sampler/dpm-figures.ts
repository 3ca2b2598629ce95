/** The figures of a DPM solver as its method has them where nothing else is said. */

import { methodRows } from "../../compiler/package/methods.ts";
import type { Algorithm, SamplerFigures } from "../../compiler/package/sampler-figures.ts";

export function dpmFiguresOf(figures: SamplerFigures): {
  readonly algorithm: Algorithm;
  readonly order: number;
  readonly solverType: "midpoint" | "heun";
} {
  const row = methodRows[figures.method];
  return {
    algorithm: figures.algorithm ?? row.algorithms?.[0] ?? "dpmsolver++",
    order: figures.order ?? row.order ?? 2,
    solverType: figures.solverType === "heun" ? "heun" : "midpoint",
  };
}
