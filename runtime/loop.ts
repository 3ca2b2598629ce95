/** The sampling loop: tokens of both halves of the guided batch to latents and frames, by a backend that runs graphs. */

import { split, stack } from "./batch.ts";
import { throwIfAborted } from "./errors.ts";
import type { Progress } from "./options.ts";
import type { Roles } from "./roles.ts";
import { advance, guide, type SamplerStep } from "./sampler/step.ts";
import type { GraphRunner } from "./session.ts";
import { f32, floatsOf, i32, type TensorData, type Tensors } from "./tensor.ts";

export interface SamplingJob {
  readonly parts: Roles;
  readonly prompts: readonly Int32Array[];
  readonly empty: Int32Array;
  /** Standard normals of all clips, [batch, F, Z, H, W]: stream 0 to start from, 1 + i for step i. */
  readonly noise: (stream: number) => Float32Array;
  readonly steps: readonly SamplerStep[];
  readonly guidance: number;
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal | undefined;
}

export interface SamplingResult {
  /** f32 [batch, F, Z, H, W]. */
  readonly latent: TensorData;
  /** f32 or f16 [decodeBatch, F, 3, height, width], one after another. */
  readonly frames: readonly TensorData[];
}

/** The loop on the host, graph by graph: for backends that have none of their own. */
export async function sampleByGraphs(runner: GraphRunner, job: SamplingJob): Promise<SamplingResult> {
  const { parts, steps, noise, report, signal } = job;
  throwIfAborted(signal, "sampling");
  report({ phase: "text", step: 0, steps: steps.length });
  const text = await encodeText(runner, parts, [...job.prompts, ...job.prompts.map(() => job.empty)]);
  const prepared = await runner.run(parts.sampler.prepare, { [parts.sampler.text]: text });
  const fixed = parts.stepTakesText ? { ...prepared, [parts.sampler.text]: text } : prepared;
  const shape = [parts.batch, ...parts.clipShape];
  let latent = noise(0);
  let data: Float32Array | undefined;
  for (const [i, step] of steps.entries()) {
    throwIfAborted(signal, `step ${i + 1} of ${steps.length}`);
    report({ phase: "step", step: i, steps: steps.length });
    const half = f32(shape, latent);
    const time = f32([2 * parts.batch], new Float32Array(2 * parts.batch).fill(step.time));
    const outputs = await runner.run(parts.sampler.step, {
      ...fixed,
      [parts.sampler.latent]: stack([half, half]),
      [parts.sampler.time]: time,
    });
    const model = guide(floatsOf(output(outputs, parts.stepOutput)), job.guidance);
    const fresh = step.next.noise === 0 ? undefined : noise(1 + i);
    ({ latent, data } = advance(step, latent, model, data, fresh));
  }
  throwIfAborted(signal, "decoding");
  report({ phase: "decode", step: steps.length, steps: steps.length });
  const frames: TensorData[] = [];
  for (const piece of split(f32(shape, latent), parts.decodeBatch)) {
    frames.push(output(await runner.run("decode", { [parts.decodeInput]: piece }), parts.decodeOutput));
  }
  return { latent: f32(shape, latent), frames };
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
  if (!found) throw new Error(`sampling: the backend gave no output "${name}"`);
  return found;
}
