/** A checked package and a backend to what an application calls: `sample` for clips, `run` for one graph. */

import { split, stack } from "./batch.ts";
import { type Clip, toClips } from "./clip.ts";
import { mvcError } from "./errors.ts";
import { sampleByGraphs } from "./loop.ts";
import { type SampleOptions, settings } from "./options.ts";
import type { Package } from "./package.ts";
import { roles } from "./roles.ts";
import { normals } from "./sampler/random.ts";
import { samplerSteps } from "./sampler/sampler.ts";
import type { GraphRunner } from "./session.ts";
import { elements, f32, floatsOf, type TensorData, type Tensors } from "./tensor.ts";
import { type EncodePrompt, loadTokenizer } from "./tokenizer.ts";

/** A clip to be sampled: the same prompt, seed and options give the same clip, whatever is sampled beside it. */
export interface ClipRequest {
  readonly prompt: string;
  /** A whole number from 0 to 2^53 - 1; 0 when not given. */
  readonly seed?: number;
}

export interface SampledClip extends Clip {
  /** The latent that was decoded, f32 [1, F, Z, H, W]. */
  readonly latent: TensorData;
}

/** The tensors of each graph of a package: what its `bindings.ts` exports as `Graphs`. */
export type GraphTypes<G> = { readonly [Name in keyof G]: { readonly inputs: object; readonly outputs: object } };

/** A package whose graphs are not known when the application is compiled. */
export interface AnyGraphs {
  readonly [graph: string]: { readonly inputs: Tensors; readonly outputs: Tensors };
}

export interface Pipeline<G extends GraphTypes<G> = AnyGraphs> {
  readonly package: Package;
  /**
   * Samples one clip that follows the prompt.
   * @throws MvcError `prompt-too-long`, `word-unknown`, `option-invalid`, `not-samplable`, `aborted`, `frames-not-finite` and the backend's.
   */
  sample(prompt: string, options?: SampleOptions & { readonly seed?: number }): Promise<SampledClip>;
  /** Samples several clips, as many at once as the package's batch holds. Errors as `sample`. */
  sampleAll(requests: readonly ClipRequest[], options?: SampleOptions): Promise<readonly SampledClip[]>;
  /** Runs one graph of the package on given tensors. Floats come out in the graph's precision. */
  run<Name extends keyof G & string>(graph: Name, tensors: G[Name]["inputs"]): Promise<G[Name]["outputs"]>;
  /** Frees the backend's memory; the pipeline cannot be used after it. */
  dispose(): Promise<void>;
}

/** Joins a package and a backend. Browser-safe: the backend is the only part that knows its device. */
export function createPipeline<G extends GraphTypes<G> = AnyGraphs>(pack: Package, runner: GraphRunner): Pipeline<G> {
  let encodePrompt: EncodePrompt | undefined;

  const tokenizer = async (): Promise<EncodePrompt> => {
    const spec = pack.manifest.tokenizer;
    if (!spec) throw mvcError("not-samplable", { model: pack.manifest.model, reason: "the package has no tokenizer" });
    encodePrompt ??= loadTokenizer(new TextDecoder().decode(await pack.files.read(spec.file)), spec);
    return encodePrompt;
  };

  const sampleAll: Pipeline<G>["sampleAll"] = async (requests, options = {}) => {
    const parts = roles(pack.manifest);
    const { report, signal, ...chosen } = settings(options, requests, parts.sampler);
    const steps = samplerSteps({ ...parts.sampler, ...chosen });
    const encode = await tokenizer();
    const tokens = requests.map(({ prompt }) => encode(prompt));
    const clips: SampledClip[] = [];
    for (let at = 0; at < requests.length; at += parts.batch) {
      // A last batch that is not full is filled with its first clip, and the surplus thrown away.
      const taken = Array.from({ length: parts.batch }, (_, i) => (at + i < requests.length ? at + i : at));
      const prompts = taken.map((i) => tokens[i] ?? new Int32Array());
      const seeds = taken.map((i) => requests[i]?.seed ?? 0);
      const noise = (stream: number) =>
        floatsOf(stack(seeds.map((seed) => f32([1, ...parts.clipShape], normals(seed, stream, elements(parts.clipShape))))));
      const job = { parts, prompts, empty: encode(""), noise, steps, guidance: chosen.guidance, report, signal };
      const { latent, frames } = await (runner.sample?.(job) ?? sampleByGraphs(runner, job));
      const latents = split(latent, 1);
      const batch = frames.flatMap(toClips).map((clip, i) => ({ ...clip, latent: latents[i] ?? latent }));
      clips.push(...batch.slice(0, requests.length - at));
    }
    return clips;
  };

  return {
    package: pack,
    sample: async (prompt, { seed, ...options } = {}) => {
      const [clip] = await sampleAll([seed === undefined ? { prompt } : { prompt, seed }], options);
      if (!clip) throw new Error("pipeline: sampling gave no clip");
      return clip;
    },
    sampleAll,
    // The runner checks names, types and shapes against the manifest, which is what the bindings were made from.
    run: (graph, tensors) => runner.run(graph, tensors as Tensors),
    dispose: () => runner.dispose(),
  };
}
