/** The figures that a caller may say of a sampler to options of a command, one each, by the words of the language. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { type SampledFigures, sampledFigures } from "../compiler/package/sampler-figures.ts";
import { type Figure, type FigureKind, figures } from "../dsl/sampling.ts";
import { number, wholeNumber } from "./numbers.ts";
import { guidance, interval } from "./option-values.ts";
import { kebab } from "./spelling.ts";

/** How far conditions weigh, and what computes. */
export const samplingOptions = {
  guidance: new Option(
    "--guidance <x>",
    "weight of the conditions, 1 is none and takes half the work; or one each, in the order in which they are added, such as image=1.5,text=7.5 (default: the model's)",
  ).argParser(guidance),
  rescale: new Option(
    "--guidance-rescale <x>",
    "how far the guided prediction goes back to the deviation of the conditioned one, 0 to 1",
  ).argParser(number),
  interval: new Option("--guidance-interval <from,to>", "the part of the steps that is guided, such as 0.2,0.8").argParser(interval),
  backend: new Option("--backend <name>", "what computes; auto is WebGPU where a graphics device answers, else ONNX Runtime")
    .choices(["auto", "webgpu", "onnx"])
    .default("auto"),
} as const;

type Sampled = keyof SampledFigures;

const notes: { readonly [F in Sampled]: string } = {
  method: "how steps are taken",
  steps: "noise levels that are visited",
  eta: "fresh noise of DDIM, 0 to 1",
  spacing: "how times are spaced",
  stepsOffset: "added to leading times",
  timesteps: "the visited times themselves, falling: 999,750,500,250",
  sigmas: "how noise over signal is spread: karras, exponential, beta, lu, or a falling list of numbers",
  sigmaMin: "the least of them",
  sigmaMax: "the largest of them",
  interpolation: "of noise over signal between times",
  final: "where the last step goes: to no noise, or to the training's least",
  shift: "of flow matching's levels",
  mu: "the shift by resolution of flow matching's levels",
  timeShift: "how mu shifts",
  shiftTerminal: "the last level that flow matching visits",
  clip: "clamps what the network says of the clean latent to plus or minus this",
  threshold: "clamps it to this quantile, and scales it",
  sampleMax: "the most that the quantile may be",
  variance: "of DDPM's noise",
  algorithm: "of dpm-multistep and dpm-singlestep",
  order: "of LMS, DPM solvers and UniPC",
  solverType: "midpoint or heun of DPM solvers, bh1 or bh2 of UniPC",
  lowerOrderFinal: "lower orders in the last steps",
  eulerAtFinal: "first order in the last step",
  lambdaMin: "times with a lower half log of the signal-to-noise ratio are not visited",
  predictX0: "whether UniPC goes by the clean latent",
  disableCorrector: "steps after which UniPC does not correct: 0,1",
  skipPrk: "whether PNDM leaves its Runge-Kutta steps out",
  originalSteps: "steps that an LCM was distilled from",
  timestepScaling: "of an LCM's boundary condition",
};

/** Adds them all. The first three are what most callers want; the others come after, in one group of the help. */
export function withSampling(command: Command): Command {
  for (const [i, name] of sampledFigures.entries()) {
    const { kind }: Figure = figures[name];
    const option = new Option(`--${kebab(name)} <${valueName(kind)}>`, `${notes[name]} (default: the model's)`);
    if (typeof kind === "object" && !kind.orFloats) option.choices([...kind.words]);
    else option.argParser(parserOf(kind));
    command.addOption(i < 3 ? option : option.helpGroup("Sampling (docs/sampling.md):"));
  }
  return command;
}

function valueName(kind: FigureKind): string {
  if (typeof kind === "object") return kind.orFloats ? "name|list" : "name";
  return { int: "n", float: "x", bool: "true|false", ints: "list", floats: "list" }[kind];
}

function parserOf(kind: FigureKind): (text: string) => unknown {
  if (typeof kind === "object") return (text) => (kind.words.includes(text) ? text : numbers(text, kind.words));
  switch (kind) {
    case "int":
      return wholeNumber;
    case "float":
      return number;
    case "bool":
      return yesOrNo;
    case "ints":
    case "floats":
      return (text) => numbers(text, []);
  }
}

function yesOrNo(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("It must be true or false.");
  return text === "true";
}

function numbers(text: string, words: readonly string[]): readonly number[] {
  const wanted = [...words, "numbers between commas, such as 12,5.5,1"].join(", or ");
  return text.split(",").map((one) => {
    try {
      return number(one.trim());
    } catch {
      throw new InvalidArgumentError(`It must be ${wanted}.`);
    }
  });
}
