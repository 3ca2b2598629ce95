/** A number of steps to the times of the training that they visit, falling: numpy's arithmetic, as diffusers has it. */

import { methodRows } from "../../compiler/package/methods.ts";
import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";

/** Whether a schedule reaches pure noise, so that no step may miss it. */
export function reachesNoise({ schedule, zeroSnr }: Pick<SamplerFigures, "schedule" | "zeroSnr">): boolean {
  return schedule === "cosine" || zeroSnr;
}

/** `last` is one more than the last time that may be visited. */
export function timesOf(figures: SamplerFigures, last: number): readonly number[] {
  const { method, steps, timesteps, stepsOffset, trainSteps, originalSteps } = figures;
  const row = methodRows[method];
  if (timesteps !== null) return timesteps;
  if (row.times === "distilled") return distilled(steps, Math.floor(trainSteps / originalSteps), originalSteps);
  const spacing = figures.spacing ?? (row.spacing === "leading" && reachesNoise(figures) ? "trailing" : row.spacing);
  const pieces = row.times === "intervals" ? steps + 1 : steps;
  if (spacing === "trailing") return trailing(steps, last);
  if (spacing === "leading") return leading(steps, Math.floor(last / pieces), row.times === "intervals" ? 1 : 0, stepsOffset, trainSteps);
  const even = linspace(0, last - 1, pieces)
    .reverse()
    .slice(0, steps);
  return row.times === "points" ? even.map(Math.fround) : even.map(roundToEven);
}

/**
 * `steps` times evenly spaced from the last one down, so that the first step is told pure noise: `np.arange(T, 0, -T / steps).round() - 1`.
 * Of the numbers of steps for which rounding errors give numpy one time more, it is left out.
 */
function trailing(steps: number, last: number): readonly number[] {
  // numpy takes the step between its first two numbers, which is T / steps less a rounding error: that decides halves such as 48 steps' 937.5.
  const between = last - (last - last / steps);
  return Array.from({ length: steps }, (_, i) => roundToEven(last - i * between) - 1);
}

/**
 * The `steps` lowest multiples of `between` from `lowest` on, plus an offset, downwards. CompVis's own list is the same where `steps`
 * divides T; else it takes every multiple below T, which is more steps than were asked for (31 for 30). Times beyond the training's are
 * its last: of a step for each of them the offset is one too many.
 */
function leading(steps: number, between: number, lowest: number, offset: number, trainSteps: number): readonly number[] {
  return Array.from({ length: steps }, (_, i) => Math.min((steps - 1 - i + lowest) * between + offset, trainSteps - 1));
}

/** Of the `original` times that a model was distilled at, every so manyth from the last one down. */
function distilled(steps: number, between: number, original: number): readonly number[] {
  return Array.from({ length: steps }, (_, i) => (original - Math.floor((i * original) / steps)) * between - 1);
}

/** numpy's: evenly spaced numbers from one to another, both among them; of one number the first. */
export function linspace(from: number, to: number, count: number): number[] {
  const between = (to - from) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === 0 ? from : i === count - 1 ? to : i * between + from));
}

/** As numpy's and PyTorch's `round`: a half goes to the even neighbour. */
export function roundToEven(value: number): number {
  const below = Math.floor(value);
  const part = value - below;
  return part > 0.5 || (part === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
