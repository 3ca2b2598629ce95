/** A package, a request and the options of a run to the texts that a clip's file keeps, so that it can be made again. */

import type { Manifest } from "../compiler/package/manifest.ts";
import type { ClipRequest } from "../runtime/conditions.ts";
import type { About } from "../runtime/media/about.ts";
import type { SampleOptions } from "../runtime/options.ts";
import type { GivenInputs } from "./condition-inputs.ts";
import { described } from "./made-for.ts";
import { version } from "./version.ts";

/** `inputs` as they were typed: files by their paths. */
export function aboutClip(manifest: Manifest, clip: ClipRequest, options: SampleOptions, inputs: GivenInputs): About {
  const { model, preset, ablations, precision, sampler } = manifest;
  const { prompt, negative, seed = 0 } = clip;
  const figures = { steps: sampler?.steps, guidance: sampler?.guidance, method: sampler?.method, eta: sampler?.eta };
  const chosen = Object.keys(figures).map((name) => [
    name,
    `${options[name as keyof typeof figures] ?? figures[name as keyof typeof figures]}`,
  ]);
  return {
    software: `mvc ${version}`,
    model: described({ model, preset, ablations, settings: {} }),
    precision,
    ...(prompt === undefined ? {} : { prompt }),
    ...(negative === undefined ? {} : { negative }),
    seed: `${seed}`,
    ...Object.fromEntries(chosen),
    ...(options.longPrompt === undefined ? {} : { "long-prompt": options.longPrompt }),
    ...(options.wordWeights ? { "word-weights": "true" } : {}),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs: JSON.stringify(inputs) }),
  };
}
