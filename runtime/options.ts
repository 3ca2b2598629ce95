/** What a caller asks of a sampler, joined with the package's defaults and checked. */

import type { SamplerSpec } from "../compiler/package/manifest.ts";
import { saidInVain } from "../compiler/package/read-figures.ts";
import {
  chosenFigures,
  figureFaults,
  type SampledFigures,
  type SamplerFigures,
  sampledFigures,
} from "../compiler/package/sampler-figures.ts";
import { isRecord, shown } from "./arguments.ts";
import type { LengthOptions } from "./clips/plan.ts";
import type { ClipRequest } from "./conditions.ts";
import { mvcError } from "./errors.ts";
import { type GuidanceOptions, isUnguided } from "./guidance.ts";
import type { PromptOptions } from "./prompt.ts";
import type { TensorData } from "./tensor.ts";

export interface Progress {
  readonly phase: "load" | "compile" | "text" | "step" | "decode";
  /** Steps done; of the phase `load` bytes, of `compile` kernels. */
  readonly step: number;
  readonly steps: number;
}

/** What a step has made of the clips that are sampled at once. */
export interface StepLatents {
  /** Steps done, from 1. */
  readonly step: number;
  readonly steps: number;
  /** The place of the first of these clips among all that were asked for. */
  readonly first: number;
  /** A clip each, f32 [1, F, Z, H, W]. */
  readonly latents: readonly TensorData[];
}

/** What is not given comes from the package; docs/sampling.md explains the figures. */
export interface SampleOptions extends Partial<SampledFigures>, LengthOptions, GuidanceOptions, PromptOptions {
  /**
   * Of clips made `from` another: how far it is noised, from 0 (not at all, no step is taken) to 1 (as far as the schedule goes). Of n
   * steps the last floor(n · strength) are taken, as in diffusers.
   */
  readonly strength?: number;
  readonly onProgress?: (progress: Progress) => void;
  /** Called after each step and waited for. On a device the latents are brought back for it, which costs time. */
  readonly onLatents?: (made: StepLatents) => void | Promise<void>;
  /** Heard between steps. */
  readonly signal?: AbortSignal;
}

export interface Settings {
  /** Without fault. */
  readonly figures: SamplerFigures;
  /** Steps that are left out at the beginning. */
  readonly skipped: number;
  readonly report: (progress: Progress) => void;
  readonly watch: SampleOptions["onLatents"];
  readonly signal: AbortSignal | undefined;
}

/** The settings of a run. Throws MvcError `option-invalid`. */
export function settings(
  options: SampleOptions,
  requests: readonly Pick<ClipRequest, "negative" | "from" | "latent">[],
  spec: SamplerSpec,
): Settings {
  const { guidance: given = spec.guidance } = options;
  const said = Object.fromEntries(sampledFigures.map((name) => [name, options[name]]));
  const figures = chosenFigures(spec, said);
  const [fault] = figureFaults({ ...figures, guidance: isRecord(given) ? spec.guidance : given });
  if (fault !== undefined) demand(false, fault.figure, fault.expected, fault.found);
  const vain = saidInVain(said, spec, figures);
  if (vain !== undefined) demand(false, vain, `left out: "${figures.method}" of these levels does not read it`, options[vain]);
  if (options.guidance !== undefined && spec.conditions.every(({ unguided }) => unguided === null)) {
    demand(given === 1, "guidance", "1 for a model whose conditions are the same in both halves", shown(given));
  }
  if (requests.some(({ negative }) => negative !== undefined)) {
    demand(!isUnguided(given, spec), "guidance", "another number than 1 for a negative prompt, which weighs nothing there", shown(given));
  }
  const skipped = skippedSteps(options.strength, figures.steps, requests);
  return {
    figures,
    skipped,
    report: options.onProgress ?? (() => {}),
    watch: options.onLatents,
    signal: options.signal,
  };
}

function skippedSteps(strength: number | undefined, steps: number, requests: readonly Pick<ClipRequest, "from" | "latent">[]): number {
  const from = requests.filter((request) => request.from !== undefined);
  if (from.length === 0) {
    demand(strength === undefined, "strength", "left out where no clip is given as `from`, which it noises", strength, "give `from`");
    return 0;
  }
  demand(
    from.length === requests.length,
    "from",
    "given for all clips of a call or for none",
    `given for ${from.length} of ${requests.length}`,
  );
  demand(
    requests.every(({ latent }) => latent === undefined),
    "latent",
    "left out where a clip is made `from` another",
    "given",
  );
  const fits = typeof strength === "number" && strength >= 0 && strength <= 1;
  demand(fits, "strength", "a number from 0 to 1 where a clip is made `from` another", strength);
  return steps - Math.floor(steps * (strength ?? 1));
}

function demand(holds: boolean, option: string, expected: string, found: unknown, instead?: string): void {
  if (holds) return;
  const text = Array.isArray(found) ? `[${found.join(", ")}]` : found === undefined ? "none" : String(found);
  throw mvcError("option-invalid", { option, expected, found: text, ...(instead === undefined ? {} : { instead }) });
}
