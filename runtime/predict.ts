/** The conditions of a batch of clips to what the looped graph predicts of their latents at a time, guided, and joined from windows. */

import { stack } from "./batch.ts";
import { wholeWindow } from "./clips/through-windows.ts";
import { cut, joined } from "./clips/windows.ts";
import type { ConditionFeed } from "./conditions.ts";
import { conditionOf, output } from "./graph-rows.ts";
import type { Roles } from "./roles.ts";
import { guide } from "./sampler/guidance.ts";
import type { GraphRunner, SamplingJob } from "./session.ts";
import { elements, f32, floatsOf, type TensorData, type Tensors, zeros } from "./tensor.ts";

/** `latent` is [batch, frames, Z, H, W] of all clips, as is what it gives. */
export type Predict = (latent: Float32Array, time: number) => Promise<Float32Array>;

/** Encodes the conditions once, and runs what stays the same from step to step. */
export async function predictorOf(runner: GraphRunner, job: SamplingJob): Promise<Predict> {
  const { parts, guidance } = job;
  const windows = job.windows ?? wholeWindow(1);
  const size = elements(parts.clipShape) / windows.count;
  const fixed: Tensors[] = [];
  for (const i of windows.starts.keys()) {
    const feeds = job.feeds[i] ?? job.feeds[0] ?? [];
    fixed.push(i > 0 && job.feeds[i] === undefined ? (fixed[0] as Tensors) : await fixedInputs(runner, parts, feeds));
  }
  const predict = async (window: Float32Array, time: number, inputs: Tensors) =>
    guided(await run(runner, parts, window, time, inputs), parts, guidance);
  return async (latent, time) => {
    if (windows.starts.length === 1) return predict(latent, time, fixed[0] as Tensors);
    const made: Float32Array[] = [];
    for (const [i, start] of windows.starts.entries())
      made.push(await predict(cut(latent, windows, start, size), time, fixed[i] as Tensors));
    return joined(made, windows, size);
  };
}

/** All that the step takes beside what each step changes. */
async function fixedInputs(runner: GraphRunner, parts: Roles, feeds: readonly ConditionFeed[]): Promise<Tensors> {
  const fed = new Map<string, TensorData>();
  for (const feed of feeds) fed.set(feed.role.name, await conditionOf(runner, feed, parts.halves));
  const fedTo = (inputs: readonly string[]) => Object.fromEntries([...fed].filter(([name]) => inputs.includes(name)));
  const prepared = parts.prepare && (await runner.run(parts.prepare.graph, fedTo(parts.prepare.inputs)));
  return { ...prepared, ...fedTo(parts.step.inputs), ...Object.fromEntries(parts.step.unread.map((spec) => [spec.name, zeros(spec)])) };
}

/** The network's output for the halves that it has. */
async function run(runner: GraphRunner, parts: Roles, latent: Float32Array, time: number, fixed: Tensors): Promise<Float32Array> {
  const { sampler, halves, batch, clipShape, step } = parts;
  const half = f32([batch, ...clipShape], latent);
  const rows = halves * batch;
  const varying = {
    [sampler.latent]: halves === 1 ? half : stack([half, half]),
    [sampler.time]: f32([rows], new Float32Array(rows).fill(time)),
  };
  return floatsOf(output(await runner.run(step.graph, { ...fixed, ...varying }), step.output));
}

function guided(predicted: Float32Array, { halves }: Roles, guidance: number): Float32Array {
  return halves === 1 ? predicted : guide(predicted, guidance);
}
