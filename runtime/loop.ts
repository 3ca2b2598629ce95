/** The sampling loop: what the conditions are fed, for both halves of a guided batch, to latents and frames, by a backend that runs graphs. */

import { clipShapeOf } from "./clips/clip-shape.ts";
import { clean, keeping } from "./clips/keeping.ts";
import { decodeLatents } from "./clips/through-windows.ts";
import { throwIfAborted } from "./errors.ts";
import { byRows } from "./graph-rows.ts";
import { predictorOf } from "./predict.ts";
import type { RowsRole } from "./roles.ts";
import { advance, startState } from "./sampler/advance.ts";
import { isNoisy } from "./sampler/mix.ts";
import { registersOf } from "./sampler/step.ts";
import type { GraphRunner, SamplingJob, SamplingResult } from "./session.ts";
import { f32, floatsOf, type TensorData } from "./tensor.ts";

/** The loop on the host, graph by graph: for backends that have none of their own. */
export async function sampleByGraphs(runner: GraphRunner, job: SamplingJob): Promise<SamplingResult> {
  const { parts, steps, start, noise, report, signal } = job;
  throwIfAborted(signal, "sampling");
  report({ phase: "text", step: 0, steps: steps.length });
  const predict = await predictorOf(runner, job);
  const frames = job.windows === undefined ? parts.clipShape : [job.windows.length, ...parts.clipShape.slice(1)];
  const shape = [parts.batch, ...frames];
  let state = startState(start, registersOf(steps));
  for (const [i, step] of steps.entries()) {
    throwIfAborted(signal, `step ${i + 1} of ${steps.length}`);
    report({ phase: "step", step: i, steps: steps.length });
    const model = await predict(state[0], step.time, i);
    state = advance(step, state, { model, noise: isNoisy(step.rows[0]) ? noise(i) : undefined, clips: parts.batch });
    if (job.kept !== undefined) state = [keeping(job.kept, state[0], i + 1 < steps.length ? step.level : clean), ...state.slice(1)];
    await job.watch?.(i + 1, f32(shape, state[0]));
  }
  const latent = f32(shape, state[0]);
  throwIfAborted(signal, "decoding");
  report({ phase: "decode", step: steps.length, steps: steps.length });
  const decoded = job.result === "pictures" && parts.frames;
  return { latent, frames: decoded ? await pictures(runner, decoded, job, latent) : [] };
}

/** A clip of several windows is decoded in them. */
async function pictures(runner: GraphRunner, role: RowsRole, { parts, windows }: SamplingJob, latent: TensorData): Promise<TensorData[]> {
  if (windows === undefined) return byRows(runner, role, latent);
  return [await decodeLatents(runner, role, floatsOf(latent), windows, clipShapeOf(parts))];
}
