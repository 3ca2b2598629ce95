/** The sampling loop: what the conditions are fed, for both halves of a guided batch, to latents and frames, by a backend that runs graphs. */

import { split, stack } from "./batch.ts";
import { bothHalves, type ConditionFeed, encodedCondition } from "./conditions.ts";
import { throwIfAborted } from "./errors.ts";
import type { RowsRole } from "./roles.ts";
import { advance, guide } from "./sampler/step.ts";
import type { GraphRunner, SamplingJob, SamplingResult } from "./session.ts";
import { f32, floatsOf, type TensorData, type Tensors, zeros } from "./tensor.ts";

/** The loop on the host, graph by graph: for backends that have none of their own. */
export async function sampleByGraphs(runner: GraphRunner, job: SamplingJob): Promise<SamplingResult> {
  const { parts, steps, noise, report, signal } = job;
  throwIfAborted(signal, "sampling");
  report({ phase: "text", step: 0, steps: steps.length });
  const fed = new Map<string, TensorData>();
  for (const feed of job.feeds) fed.set(feed.role.name, await conditionOf(runner, feed, parts.halves));
  const fedTo = (inputs: readonly string[]) => Object.fromEntries([...fed].filter(([name]) => inputs.includes(name)));
  const prepared = parts.prepare && (await runner.run(parts.prepare.graph, fedTo(parts.prepare.inputs)));
  const fixed = {
    ...prepared,
    ...fedTo(parts.step.inputs),
    ...Object.fromEntries(parts.step.unread.map((spec) => [spec.name, zeros(spec)])),
  };
  const shape = [parts.batch, ...parts.clipShape];
  let latent = noise(0);
  let data: Float32Array | undefined;
  for (const [i, step] of steps.entries()) {
    throwIfAborted(signal, `step ${i + 1} of ${steps.length}`);
    report({ phase: "step", step: i, steps: steps.length });
    const half = f32(shape, latent);
    const rows = parts.halves * parts.batch;
    const time = f32([rows], new Float32Array(rows).fill(step.time));
    const varying = { [parts.sampler.latent]: parts.halves === 1 ? half : stack([half, half]), [parts.sampler.time]: time };
    const predicted = floatsOf(output(await runner.run(parts.step.graph, { ...fixed, ...varying }), parts.step.output));
    const model = parts.halves === 1 ? predicted : guide(predicted, job.guidance);
    const fresh = step.next.noise === 0 ? undefined : noise(1 + i);
    ({ latent, data } = advance(step, latent, model, data, fresh));
    await job.watch?.(i + 1, f32(shape, latent));
  }
  throwIfAborted(signal, "decoding");
  report({ phase: "decode", step: steps.length, steps: steps.length });
  const decoded = job.result === "pictures" && parts.frames;
  const frames = decoded ? await byRows(runner, decoded, f32(shape, latent)) : [];
  return { latent: f32(shape, latent), frames };
}

/** What the loop's graphs take of a condition. */
export async function conditionOf(runner: Pick<GraphRunner, "run">, feed: ConditionFeed, halves: 1 | 2): Promise<TensorData> {
  const { role, rows } = feed;
  if (role.encoder === undefined) return rows;
  const encoded = encodedCondition(feed, stack(await byRows(runner, role.encoder, rows)));
  return halves === 1 ? encoded : bothHalves(role, encoded);
}

/** As many runs as the graph's own batch asks for. */
async function byRows(
  runner: Pick<GraphRunner, "run">,
  { graph, input, output: result, batch }: RowsRole,
  rows: TensorData,
): Promise<TensorData[]> {
  const made: TensorData[] = [];
  for (const piece of split(rows, batch)) made.push(output(await runner.run(graph, { [input.name]: piece }), result.name));
  return made;
}

function output(outputs: Tensors, name: string): TensorData {
  const found = outputs[name];
  if (!found) throw new Error(`sampling: the backend gave no output "${name}"`);
  return found;
}
