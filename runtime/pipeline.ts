/** A checked package and a backend to what an application calls: `sample` for clips, `run` for one graph. */

import { split, stack } from "./batch.ts";
import { type Clip, toClips } from "./clip.ts";
import { mvcError, throwIfAborted } from "./errors.ts";
import { type Progress, type SampleOptions, settings } from "./options.ts";
import type { Package } from "./package.ts";
import { type Roles, roles } from "./roles.ts";
import { normals } from "./sampler/random.ts";
import { samplerSteps } from "./sampler/sampler.ts";
import { advance, guide, type SamplerStep } from "./sampler/step.ts";
import type { GraphRunner } from "./session.ts";
import { elements, f32, floatsOf, i32, type TensorData, type Tensors } from "./tensor.ts";
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
      const batch = await sampleBatch(runner, parts, {
        prompts,
        empty: encode(""),
        seeds,
        steps,
        guidance: chosen.guidance,
        report,
        signal,
      });
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

interface BatchJob {
  readonly prompts: readonly Int32Array[];
  readonly empty: Int32Array;
  readonly seeds: readonly number[];
  readonly steps: readonly SamplerStep[];
  readonly guidance: number;
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal | undefined;
}

async function sampleBatch(runner: GraphRunner, parts: Roles, job: BatchJob): Promise<readonly SampledClip[]> {
  const { steps, report, signal } = job;
  throwIfAborted(signal, "sampling");
  report({ phase: "text", step: 0, steps: steps.length });
  const text = await encodeText(runner, parts, [...job.prompts, ...job.prompts.map(() => job.empty)]);
  const prepared = await runner.run(parts.sampler.prepare, { [parts.sampler.text]: text });
  const fixed = parts.stepTakesText ? { ...prepared, [parts.sampler.text]: text } : prepared;

  const noise = (stream: number) =>
    stack(job.seeds.map((seed) => f32([1, ...parts.clipShape], normals(seed, stream, elements(parts.clipShape)))));
  let latent = floatsOf(noise(0));
  let data: Float32Array | undefined;
  for (const [i, step] of steps.entries()) {
    throwIfAborted(signal, `step ${i + 1} of ${steps.length}`);
    report({ phase: "step", step: i, steps: steps.length });
    const half = f32([parts.batch, ...parts.clipShape], latent);
    const time = f32([2 * parts.batch], new Float32Array(2 * parts.batch).fill(step.time));
    const outputs = await runner.run(parts.sampler.step, {
      ...fixed,
      [parts.sampler.latent]: stack([half, half]),
      [parts.sampler.time]: time,
    });
    const model = guide(floatsOf(output(outputs, parts.stepOutput)), job.guidance);
    const fresh = step.next.noise === 0 ? undefined : floatsOf(noise(1 + i));
    ({ latent, data } = advance(step, latent, model, data, fresh));
  }
  throwIfAborted(signal, "decoding");
  report({ phase: "decode", step: steps.length, steps: steps.length });
  const clips: SampledClip[] = [];
  for (const piece of split(f32([parts.batch, ...parts.clipShape], latent), parts.decodeBatch)) {
    const decoded = await runner.run("decode", { [parts.decodeInput]: piece });
    const latents = split(piece, 1);
    clips.push(...toClips(output(decoded, parts.decodeOutput)).map((clip, i) => ({ ...clip, latent: latents[i] ?? piece })));
  }
  return clips;
}

/** The prompts' embeddings one after the other, by as many runs of `encodeText` as its batch asks for. */
async function encodeText(runner: GraphRunner, parts: Roles, tokens: readonly Int32Array[]): Promise<TensorData> {
  const rows = stack(tokens.map((row) => i32([1, row.length], row)));
  const texts: TensorData[] = [];
  for (const piece of split(rows, parts.textBatch)) {
    texts.push(output(await runner.run("encodeText", { [parts.textInput]: piece }), parts.textOutput));
  }
  return stack(texts);
}

function output(outputs: Tensors, name: string): TensorData {
  const found = outputs[name];
  if (!found) throw new Error(`pipeline: the backend gave no output "${name}"`);
  return found;
}
