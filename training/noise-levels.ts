/** A sampler's figures and a stage's density to the noise level of an example. */

import type { LevelDensity } from "../compiler/module/training.ts";
import type { SamplerFigures } from "../compiler/package/sampler-figures.ts";
import type { Level } from "../runtime/sampler/level.ts";
import { levelsOf } from "../runtime/sampler/levels.ts";
import type { Draws } from "./draws.ts";

/**
 * Draws of the levels that the sampler was made for: u in 0 to 1, evenly or the logistic of a normal, to the power of `power`, times the
 * training's steps. A diffusion has a level for each whole step; flow matching one for each time. What the network is told is what the
 * sampler tells it.
 */
export function levelDrawer(figures: SamplerFigures, { density, power }: LevelDensity): (draws: Draws) => Level {
  const { at } = levelsOf(figures);
  const { schedule, trainSteps, timestepType } = figures;
  const draw = (draws: Draws): number => {
    if (density === "uniform") return draws.uniform("level", 1)[0] ?? 0;
    return 1 / (1 + Math.exp(-(draws.normal("level", 1)[0] ?? 0)));
  };
  return (draws) => {
    const time = draw(draws) ** power * trainSteps;
    if (schedule === "flow") return at(time);
    const level = at(Math.min(Math.floor(time), trainSteps - 1));
    // EDM's networks are told of σ itself (Karras et al., 2022, table 1).
    return timestepType === "continuous" ? { ...level, time: Math.log(level.noise / level.signal) / 4 } : level;
  };
}
