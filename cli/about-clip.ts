/** A package, a request and the options of a run to the texts that a clip's file keeps, so that it can be made again. */

import type { Manifest } from "../compiler/package/manifest.ts";
import { chosenFigures, type SampledFigures } from "../compiler/package/sampler-figures.ts";
import type { ClipRequest } from "../runtime/conditions.ts";
import type { About } from "../runtime/media/about.ts";
import type { GivenInputs } from "./condition-inputs.ts";
import { described } from "./made-for.ts";
import { version } from "./version.ts";

/** `inputs` as they were typed: files by their paths. */
export function aboutClip(manifest: Manifest, clip: ClipRequest, options: Partial<SampledFigures>, inputs: GivenInputs): About {
  const { model, preset, ablations, precision, sampler } = manifest;
  const { prompt, negative, seed = 0 } = clip;
  const figures = sampler === null ? {} : chosenFigures(sampler, options);
  const named = new Set(["steps", "guidance", "method", "eta", ...Object.keys(options)]);
  const chosen = Object.entries(figures).flatMap(([name, value]) => (named.has(name) ? [[name, `${value}`] as const] : []));
  return {
    software: `mvc ${version}`,
    model: described({ model, preset, ablations, settings: {} }),
    precision,
    ...(prompt === undefined ? {} : { prompt }),
    ...(negative === undefined ? {} : { negative }),
    seed: `${seed}`,
    ...Object.fromEntries(chosen),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs: JSON.stringify(inputs) }),
  };
}
