/** What a caller asks of a sampler, joined with the package's defaults and checked. */

import type { Method, SamplerSpec } from "../compiler/package/manifest.ts";
import { figureFaults } from "../compiler/package/sampler-figures.ts";
import { mvcError } from "./errors.ts";
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

/** What is not given comes from the package. */
export interface SampleOptions extends PromptOptions {
  /** A whole number from 1 to the number of steps that the model was trained with. */
  readonly steps?: number;
  /** Classifier-free guidance; 1 samples without it, at half the work. */
  readonly guidance?: number;
  readonly method?: Method;
  /** DDIM's noise, from 0 (deterministic) to 1. */
  readonly eta?: number;
  readonly onProgress?: (progress: Progress) => void;
  /** Called after each step and waited for. On a device the latents are brought back for it, which costs time. */
  readonly onLatents?: (made: StepLatents) => void | Promise<void>;
  /** Heard between steps. */
  readonly signal?: AbortSignal;
}

export interface Settings extends Pick<SamplerSpec, "method" | "steps" | "guidance" | "eta"> {
  readonly report: (progress: Progress) => void;
  readonly watch: SampleOptions["onLatents"];
  readonly signal: AbortSignal | undefined;
}

/** The settings of a run. Throws MvcError `option-invalid`. */
export function settings(options: SampleOptions, requests: readonly { readonly negative?: string }[], spec: SamplerSpec): Settings {
  const { steps = spec.steps, guidance = spec.guidance, method = spec.method, eta = spec.eta } = options;
  const [fault] = figureFaults({ ...spec, steps, guidance, method, eta });
  if (fault !== undefined) demand(false, fault.figure, fault.expected, fault.found);
  if (options.guidance !== undefined && spec.conditions.every(({ unguided }) => unguided === null)) {
    demand(guidance === 1, "guidance", "1 for a model whose conditions are the same in both halves", guidance);
  }
  if (requests.some(({ negative }) => negative !== undefined)) {
    demand(guidance !== 1, "guidance", "another number than 1 for a negative prompt, which weighs nothing there", guidance);
  }
  return { steps, guidance, method, eta, report: options.onProgress ?? (() => {}), watch: options.onLatents, signal: options.signal };
}

function demand(holds: boolean, option: string, expected: string, found: unknown): void {
  if (!holds) throw mvcError("option-invalid", { option, expected, found: String(found) });
}
