/** The figures of a sampler to the noise levels that it visits, falling, and the last one, where the network is not asked. */

import { methodRows } from "../../compiler/package/methods.ts";
import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import { flowSigmas } from "./flow.ts";
import { flowLevel, type Level, levelOf, levelOfSigma, logRatio } from "./level.ts";
import { alphaBars } from "./schedule.ts";
import { sigmaAt, spread, timeOf } from "./sigmas.ts";
import { linspace, reachesNoise, roundToEven, timesOf } from "./times.ts";

/** diffusers' alpha-bar where there is no signal and σ would be infinite: f16's smallest number. */
const leastBar = 2 ** -24;

export interface Levels {
  readonly levels: readonly Level[];
  /** The training's level at a time. */
  readonly at: (time: number) => Level;
}

export function levelsOf(figures: SamplerFigures): Levels {
  const { method, schedule, trainSteps, final } = figures;
  const row = methodRows[method];
  const last = final ?? (reachesNoise(figures) ? "zero" : row.final);
  if (schedule === "flow") {
    const levels = flowSigmas(figures).map(([sigma, time]) => flowLevel(time, sigma));
    return { levels: [...levels, ended(levels, last)], at: (time) => flowLevel(time, time / trainSteps) };
  }
  const bars = alphaBars(figures);
  const at = (time: number) => levelOf(time, bars[Math.min(time, bars.length - 1)] ?? 1);
  const lowest = { ...at(0), time: -1 };
  const end = last === "zero" ? levelOf(-1, 1) : lowest;
  if (row.times === "table" || row.times === "distilled") return { levels: [...timesOf(figures, trainSteps).map(at), end], at };
  const sigmas = bars.map((bar) => Math.sqrt((1 - (bar || leastBar)) / (bar || leastBar)));
  return { levels: [...bySigmas(figures, sigmas), end], at };
}

/** Where flow matching ends short of the clean latent it stays at the last level. */
function ended(levels: readonly Level[], last: "zero" | "sigma-min"): Level {
  const lowest = levels.at(-1);
  return last === "zero" || lowest === undefined ? flowLevel(-1, 0) : { ...lowest, time: -1 };
}

function bySigmas(figures: SamplerFigures, trained: Float64Array): readonly Level[] {
  const { method, steps, schedule, sigmas, sigmaMin, sigmaMax, interpolation, timestepType } = figures;
  const { times: kind } = methodRows[method];
  const least = trained[0] ?? 0;
  const most = trained.at(-1) ?? 0;
  const told = (sigma: number, time: number) => levelOfSigma(timestepType === "continuous" ? Math.log(sigma) / 4 : time, sigma);
  if (Array.isArray(sigmas)) return sigmas.map((sigma: number) => told(sigma, timeOf(trained, sigma)));
  const times = timesOf(figures, visitable(figures, trained));
  const logs = interpolation === "log-linear" ? linspace(Math.log(least), Math.log(most), steps + 1).reverse() : undefined;
  const visited = times.map((time, i) => (logs === undefined ? sigmaAt(trained, time) : Math.exp(logs[i] ?? 0)));
  if (sigmas === null) return visited.map((sigma, i) => told(sigma, times[i] ?? 0));
  // Schedulers that visit points spread σ between those that their times have, the others between all of the training's.
  const [from, to] = kind === "points" ? [visited[0], visited.at(-1)] : [most, least];
  const spreadOut = spread(sigmas as Exclude<typeof sigmas, readonly number[]>, sigmaMax ?? from ?? most, sigmaMin ?? to ?? least, steps);
  const rounded = sigmas === "karras" || sigmas === "lu";
  const whole = (time: number) => {
    if (kind === "points") return time;
    // Of multistep solvers of a cosine schedule they are cut off.
    return rounded && !(schedule === "cosine" && method !== "unipc") ? roundToEven(time) : Math.trunc(time);
  };
  return spreadOut.map((sigma) => told(sigma, whole(timeOf(trained, sigma))));
}

/** One more than the last time that may be visited. */
function visitable({ lambdaMin, trainSteps }: SamplerFigures, sigmas: Float64Array): number {
  if (lambdaMin === null) return trainSteps;
  const tooNoisy = sigmas.filter((sigma) => logRatio(levelOfSigma(0, sigma)) < lambdaMin).length;
  return Math.max(trainSteps - tooNoisy, 1);
}
