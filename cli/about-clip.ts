/** A package, a request and the options of a run to the texts that a clip's file keeps, so that it can be made again. */

import type { Manifest } from "../compiler/package/manifest.ts";
import { chosenFigures, sampledFigures } from "../compiler/package/sampler-figures.ts";
import type { ClipRequest } from "../runtime/conditions.ts";
import type { About } from "../runtime/media/about.ts";
import type { SampleOptions } from "../runtime/options.ts";
import type { ClipFiles } from "./clip-files.ts";
import type { GivenInputs } from "./condition-inputs.ts";
import { described } from "./made-for.ts";
import { version } from "./version.ts";

/** What was typed: files by their paths. */
export interface Typed {
  readonly inputs: GivenInputs;
  readonly files: ClipFiles;
}

/** All that the clip was made of, in the words of the command line's options. */
export function aboutClip(manifest: Manifest, clip: ClipRequest, options: SampleOptions, { inputs, files }: Typed): About {
  const { model, preset, ablations, precision, sampler } = manifest;
  const { prompt, prompts, negative, seed = 0 } = clip;
  const figures = sampler && chosenFigures(sampler, Object.fromEntries(sampledFigures.map((name) => [name, options[name]])));
  const chosen = { steps: figures?.steps, guidance: options.guidance ?? sampler?.guidance, method: figures?.method, eta: figures?.eta };
  return {
    software: `mvc ${version}`,
    model: described({ model, preset, ablations, settings: {} }),
    precision,
    ...(prompt === undefined ? {} : { prompt }),
    ...(prompts === undefined ? {} : { "prompt-at": JSON.stringify(prompts.map(({ frame, prompt: text }) => `${frame}=${text}`)) }),
    ...(negative === undefined ? {} : { negative }),
    seed: `${seed}`,
    ...texts(chosen, ["steps", "guidance", "method", "eta"]),
    ...texts(
      options,
      sampledFigures.filter((name) => !Object.hasOwn(chosen, name)),
    ),
    ...texts(options, [
      "longPrompt",
      "wordWeights",
      "guidanceRescale",
      "guidanceInterval",
      "strength",
      "length",
      "overlap",
      "windows",
      "loop",
    ]),
    ...texts(files, ["firstFrame", "lastFrame", "from", "continue", "known", "at", "mask"]),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs: JSON.stringify(inputs) }),
  };
}

/** `--first-frame` is kept as `first-frame`. */
function texts<T extends object>(given: T, names: readonly (keyof T & string)[]): About {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value: unknown = given[name];
      if (value === undefined) return [];
      return [[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), typed(value)]];
    }),
  );
}

/** As it is typed: numbers with commas, weights by name; several files as JSON, as they are given one by one. */
function typed(value: unknown): string {
  if (Array.isArray(value))
    return value.every((one) => typeof one === "number") ? value.join(",") : value.length === 1 ? `${value[0]}` : JSON.stringify(value);
  if (typeof value !== "object" || value === null) return `${value}`;
  return Object.entries(value)
    .map(([name, weight]) => `${name}=${weight}`)
    .join(",");
}
