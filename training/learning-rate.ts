/** A stage's figures and a step to the learning rate of that step. */

import type { OptimizerFigures } from "../compiler/module/training.ts";

/**
 * Of the steps 1 to `steps`: a straight line from 0 that reaches the full rate at step `warmup`, then level, or half a cosine down to
 * `finalRate` times the full rate at the last step (Loshchilov and Hutter, 2017, without restarts).
 */
export function learningRateAt(step: number, steps: number, figures: OptimizerFigures): number {
  const { learningRate, warmup, decay, finalRate } = figures;
  if (step <= warmup) return (learningRate * step) / warmup;
  if (decay === "constant") return learningRate;
  const part = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return learningRate * (finalRate + (1 - finalRate) * 0.5 * (1 + Math.cos(Math.PI * part)));
}
