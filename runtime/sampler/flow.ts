/** The figures of a sampler by flow matching to the σ that it visits, falling, and the times that the network is told of them. */

import { methodRows } from "../../compiler/package/methods.ts";
import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import { spread } from "./sigmas.ts";
import { linspace } from "./times.ts";

/** σ where time goes evenly are shifted (Esser et al., 2024, equation 23), stretched, then spread. diffusers spaces them differently for its three kinds of schedulers. */
export function flowSigmas(figures: SamplerFigures): readonly (readonly [sigma: number, time: number])[] {
  const { method, steps, trainSteps, sigmas, timesteps, shiftTerminal, sigmaMin, sigmaMax, mu } = figures;
  const whole = methodRows[method].times === "intervals";
  const shifted = (sigma: number) => shift(sigma, figures);
  const timed = (list: readonly number[]) => list.map((sigma) => [sigma, timeAt(sigma, trainSteps, whole)] as const);
  const listed = Array.isArray(sigmas) ? (sigmas as readonly number[]) : timesteps?.map((time) => time / trainSteps);
  const even = () => {
    if (method === "unipc") return linspace(1, 1 / trainSteps, steps + 1).slice(0, -1);
    if (whole) {
      return linspace(1, 1 / trainSteps, steps + 1)
        .map((signal) => 1 - signal)
        .reverse()
        .slice(0, -1);
    }
    // FlowMatchEulerDiscreteScheduler shifts the ends of its training's σ, and then what lies between them once more.
    const end = (sigma: number) => (mu === null ? Math.fround(shifted(sigma)) : sigma);
    return linspace(end(1), end(1 / trainSteps), steps);
  };
  const stretched = stretch((listed ?? even()).map(shifted), shiftTerminal);
  if (sigmas === null || listed !== undefined) return timed(stretched.map((sigma) => below(sigma, method)));
  const [most = 1, least = 1 / trainSteps] = [sigmaMax ?? stretched[0], sigmaMin ?? stretched.at(-1)];
  const spreadOut = spread(sigmas as "karras" | "exponential" | "beta", most, least, steps);
  // UniPC's σ here is noise over signal, as sampling without flow has it.
  return timed(method === "unipc" && sigmas === "karras" ? spreadOut.map((sigma) => sigma / (sigma + 1)) : spreadOut);
}

/** UniPC asks for the log of the signal, which pure noise has none of. */
function below(sigma: number, method: SamplerFigures["method"]): number {
  return methodRows[method].times === "intervals" && Math.abs(sigma - 1) < 1e-6 ? sigma - 1e-6 : sigma;
}

function timeAt(sigma: number, trainSteps: number, whole: boolean): number {
  return whole ? Math.trunc(sigma * trainSteps) : sigma * trainSteps;
}

function shift(sigma: number, { shift: by, mu, timeShift }: SamplerFigures): number {
  if (mu === null) return (by * sigma) / (1 + (by - 1) * sigma);
  const ratio = timeShift === "exponential" ? Math.exp(mu) : mu;
  return ratio / (ratio + (1 / sigma - 1));
}

function stretch(sigmas: readonly number[], terminal: number | null): readonly number[] {
  if (terminal === null) return sigmas;
  const factor = (1 - (sigmas.at(-1) ?? 0)) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / factor);
}
