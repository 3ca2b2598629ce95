/** A checked package and a backend to what an application calls: `sample` for clips, `run` for one graph. */

import { checkedClipOptions, checkedRequest, checkedRequests, checkedSampleOptions } from "./arguments.ts";
import { split } from "./batch.ts";
import { sampledBatches } from "./batches.ts";
import { type Clip, toClips } from "./clip.ts";
import type { ClipRequest } from "./conditions.ts";
import { type MvcError, mvcError } from "./errors.ts";
import { isUnguided } from "./guidance.ts";
import type { SampleOptions } from "./options.ts";
import type { Package } from "./package.ts";
import { type Roles, roles } from "./roles.ts";
import type { GraphRunner } from "./session.ts";
import { shapeText, type TensorData, type Tensors } from "./tensor.ts";
import { loadTokenizer, type PromptTokenizer } from "./tokenizer.ts";

export interface SampledClip extends Clip {
  /** The latent that the pictures were made of, f32 [1, F, Z, H, W]; in -1..1 the pictures themselves where nothing decodes it. */
  readonly latent: TensorData;
}

/** The tensors of each graph of a package: what its `bindings.ts` exports as `Graphs`. */
export type GraphTypes<G> = { readonly [Name in keyof G]: { readonly inputs: object; readonly outputs: object } };

/** A package whose graphs are not known when the application is compiled. */
export interface AnyGraphs {
  readonly [graph: string]: { readonly inputs: Tensors; readonly outputs: Tensors };
}

/** Calls may overlap: each gives what it would give alone. All throw MvcError `disposed` once `dispose` has been called. */
export interface Pipeline<G extends GraphTypes<G> = AnyGraphs> {
  readonly package: Package;
  /**
   * Has ready what every clip needs: weights with the backend, kernels compiled. Without it the first clip waits for that. What
   * it does is heard by `loadPipeline`'s `onProgress`.
   * @throws MvcError `not-samplable`, `aborted` and the backend's.
   */
  load(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Samples one clip: `sample("a red circle")`, `sample("a red circle", { seed: 1, inputs: { fps: 8 } })`, and for a model that takes
   * no text `sample({ seed: 1 })`; from a picture `sample("a red circle", { firstFrame })`, from a clip `{ from, strength }`.
   * @throws MvcError `latents-absent`, `prompt-too-long`, `word-unknown`, `word-weights-invalid`, `input-…`, `id-out-of-range`, `option-invalid`, `not-samplable`, `aborted`,
   * `option-unknown`, `frames-not-finite` and the backend's.
   */
  sample(clip: string | ClipRequest, options?: SampleOptions & Omit<ClipRequest, "prompt">): Promise<SampledClip>;
  /** Samples several clips, a prompt or a request each, as many at once as the package's batch holds. Errors as `sample`. */
  sampleAll(requests: readonly (string | ClipRequest)[], options?: SampleOptions): Promise<readonly SampledClip[]>;
  /** The latents alone, each f32 [1, F, Z, H, W], undecoded: of any model with a sampler. Errors as `sample`. */
  sampleLatents(requests: readonly (string | ClipRequest)[], options?: SampleOptions): Promise<readonly TensorData[]>;
  /** Runs one graph of the package on given tensors. Floats come out in the graph's precision. */
  run<Name extends keyof G & string>(graph: Name, tensors: G[Name]["inputs"]): Promise<G[Name]["outputs"]>;
  /** Ends what is running, which throws `disposed`, and frees the backend's memory. */
  dispose(): Promise<void>;
}

/** Joins a package and a backend. Browser-safe: the backend is the only part that knows its device. */
export function createPipeline<G extends GraphTypes<G> = AnyGraphs>(pack: Package, runner: GraphRunner): Pipeline<G> {
  const { manifest } = pack;
  const running = new Set<(error: MvcError) => void>();
  let promptTokenizer: PromptTokenizer | undefined;
  let disposing: Promise<void> | undefined;
  const gone = () => mvcError("disposed", { what: "the pipeline" });

  /** No device is waited for once the pipeline is disposed: some never answer then. */
  const whileAlive = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (disposing !== undefined) return reject(gone());
      running.add(reject);
      work()
        .then(resolve, reject)
        .finally(() => running.delete(reject));
    });

  const rolesAt = ({ guidance }: SampleOptions): Roles => {
    const { sampler } = manifest;
    return roles(manifest, sampler !== null && isUnguided(guidance, sampler) ? "alone" : "guided");
  };

  const tokenizer = async (parts: Roles): Promise<PromptTokenizer | undefined> => {
    if (!parts.conditions.some(({ from }) => from === "text")) return undefined;
    const spec = manifest.tokenizer;
    if (!spec) throw mvcError("not-samplable", { model: manifest.model, reason: "the package has no tokenizer" });
    promptTokenizer ??= loadTokenizer(new TextDecoder().decode(await pack.files.read(spec.file)), spec);
    return promptTokenizer;
  };

  const sampleAll = async (requests: readonly ClipRequest[], options: SampleOptions) => {
    const parts = rolesAt(options);
    if (parts.pictures === "none") {
      const reason = `it makes latents of ${shapeText(parts.clipShape)} and declares no graph that turns them into frames`;
      throw mvcError("not-samplable", { model: manifest.model, reason });
    }
    const clips: SampledClip[] = [];
    for await (const { latent, frames, wanted } of sampledBatches(runner, parts, requests, options, "pictures", () => tokenizer(parts))) {
      const latents = split(latent, 1);
      const pictures = parts.pictures === "latent" ? [latent] : frames;
      const batch = pictures.flatMap(toClips).map((clip, i) => ({ ...clip, latent: latents[i] ?? latent }));
      clips.push(...batch.slice(0, wanted));
    }
    return clips;
  };

  return {
    package: pack,
    load: ({ signal } = {}) =>
      whileAlive(async () => {
        const parts = roles(manifest);
        await tokenizer(parts);
        await runner.load(parts, signal);
      }),
    sample: (clip, given = {}) =>
      whileAlive(async () => {
        const request = checkedRequest(clip, "what `sample` is asked for");
        const { own, options } = checkedClipOptions(given);
        const [made] = await sampleAll([{ ...own, ...request }], options);
        if (!made) throw new Error("pipeline: sampling gave no clip");
        return made;
      }),
    sampleAll: (requests, options = {}) =>
      whileAlive(async () => sampleAll(checkedRequests(requests, "requests"), checkedSampleOptions(options))),
    sampleLatents: (given, chosen = {}) =>
      whileAlive(async () => {
        const [requests, options] = [checkedRequests(given, "requests"), checkedSampleOptions(chosen)];
        const parts = rolesAt(options);
        const latents: TensorData[] = [];
        for await (const { latent, wanted } of sampledBatches(runner, parts, requests, options, "latents", () => tokenizer(parts))) {
          latents.push(...split(latent, 1).slice(0, wanted));
        }
        return latents;
      }),
    // The runner checks names, types and shapes against the manifest, which is what the bindings were made from.
    run: (graph, tensors) => whileAlive(async () => runner.run(graph, tensors as Tensors)),
    dispose: () => {
      disposing ??= Promise.resolve().then(() => runner.dispose());
      for (const reject of running) reject(gone());
      return disposing;
    },
  };
}
