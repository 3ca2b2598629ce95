/** The conditions of a batch of clips to what the looped graph predicts of their latents at a time, guided, and joined from windows. */

import { split, stack } from "./batch.ts";
import { wholeWindow } from "./clips/through-windows.ts";
import { cut, joined } from "./clips/windows.ts";
import type { ConditionFeed } from "./conditions.ts";
import { conditionOf, output } from "./graph-rows.ts";
import { combined, type Guidance, rescaled, weightsAt } from "./guidance.ts";
import type { Roles } from "./roles.ts";
import { guide } from "./sampler/guidance.ts";
import type { GraphRunner, SamplingJob } from "./session.ts";
import { elements, f32, floatsOf, type TensorData, type Tensors, zeros } from "./tensor.ts";

/** `latent` is [batch, frames, Z, H, W] of all clips, as is what it gives; `step` counts those that are taken. */
export type Predict = (latent: Float32Array, time: number, step: number) => Promise<Float32Array>;

/** One run of the step: what it is fed beside what each step changes. */
type Fixed = Tensors;

/** Encodes the conditions once, and runs what stays the same from step to step. */
export async function predictorOf(runner: GraphRunner, job: SamplingJob): Promise<Predict> {
  const { parts, guidance } = job;
  const windows = job.windows ?? wholeWindow(1);
  const size = elements(parts.clipShape) / windows.count;
  const fixed: (readonly Fixed[])[] = [];
  for (const i of windows.starts.keys()) {
    const feeds = job.feeds[i];
    fixed.push(feeds === undefined ? (fixed[0] ?? []) : await fixedRuns(runner, parts, guidance, feeds));
  }
  const predict = async (window: Float32Array, time: number, runs: readonly Fixed[], step: number) => {
    const made: Float32Array[] = [];
    for (const inputs of runs) made.push(await run(runner, parts, window, time, inputs));
    return guided(made, parts, guidance, step);
  };
  return async (latent, time, step) => {
    if (windows.starts.length === 1) return predict(latent, time, fixed[0] ?? [], step);
    const made: Float32Array[] = [];
    for (const [i, start] of windows.starts.entries())
      made.push(await predict(cut(latent, windows, start, size), time, fixed[i] ?? [], step));
    return joined(made, windows, size);
  };
}

/**
 * One run where all conditions are weighed together. Where each has a weight, evaluations with none, the first, the first two … of
 * them, two a run, as a guided batch has two halves: the last run may have the last one twice.
 */
async function fixedRuns(
  runner: GraphRunner,
  parts: Roles,
  { added }: Guidance,
  feeds: readonly ConditionFeed[],
): Promise<readonly Fixed[]> {
  const conditions = new Map<string, TensorData>();
  for (const feed of feeds) conditions.set(feed.role.name, await conditionOf(runner, feed, parts.halves));
  if (added.length === 1 || parts.halves === 1) return [await fixedInputs(runner, parts, conditions)];
  const evaluations = [...added.keys(), added.length].map((count) => new Set(added.slice(0, count).map(({ condition }) => condition)));
  const runs: Fixed[] = [];
  for (let at = 0; at < evaluations.length; at += 2) {
    const pair = [evaluations[at], evaluations[at + 1] ?? evaluations[at]];
    const rows = [...conditions].map(([name, both]): [string, TensorData] => {
      const [own, without] = split(both, parts.batch) as [TensorData, TensorData];
      const differs = parts.conditions.some((role) => role.name === name && role.unguided !== null);
      return [name, stack(pair.map((given) => (given?.has(name) || !differs ? own : without)))];
    });
    runs.push(await fixedInputs(runner, parts, new Map(rows)));
  }
  return runs;
}

/** All that the step takes beside what each step changes. */
async function fixedInputs(runner: GraphRunner, parts: Roles, fed: ReadonlyMap<string, TensorData>): Promise<Fixed> {
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

function guided(made: readonly Float32Array[], { halves, batch }: Roles, guidance: Guidance, step: number): Float32Array {
  const [only = new Float32Array()] = made;
  if (halves === 1) return only;
  const weights = weightsAt(guidance, step);
  const half = only.length / 2;
  const first = (values: Float32Array) => values.subarray(0, half);
  const second = (values: Float32Array) => values.subarray(half);
  const predictions =
    made.length === 1 ? [second(only), first(only)] : made.flatMap((one) => [first(one), second(one)]).slice(0, weights.length + 1);
  const weighed = made.length === 1 ? guide(only, weights[0] ?? 1) : combined(predictions, weights);
  if (guidance.rescale === 0 || !guidance.guides(step)) return weighed;
  return rescaled(weighed, predictions.at(-1) ?? weighed, guidance.rescale, batch);
}
