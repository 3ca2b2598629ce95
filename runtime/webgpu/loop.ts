/** The whole way from tokens to frames on the device: nothing comes back before the frames and their latents. */

import { split, stack } from "../batch.ts";
import { orAborted, throwIfAborted } from "../errors.ts";
import type { SamplingJob, SamplingResult } from "../loop.ts";
import type { SamplerStep } from "../sampler/step.ts";
import { elements, f32, i32, type TensorData } from "../tensor.ts";
import { type Device, usage } from "./device.ts";
import type { GpuGraph } from "./graph.ts";
import type { Pipelines } from "./pipelines.ts";

/** `guide` and `advance` of runtime/sampler/step.ts; the new latent goes to both halves of the step's input. */
const advanceKernel = `struct Step {
  latent: f32, model: f32, data: f32, noise: f32, data_latent: f32, data_model: f32, guidance: f32, count: u32,
}
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> model: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read_write> before: array<f32>;
@group(0) @binding(4) var<storage, read_write> latent: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.y * 2097152u + id.x;
  if (i >= step.count) { return; }
  let x = latent[i];
  let u = model[step.count + i];
  let m = u + step.guidance * (model[i] - u);
  let next = step.latent * x + step.model * m + step.data * before[i] + step.noise * noise[i];
  before[i] = step.data_latent * x + step.data_model * m;
  latent[i] = next;
  latent[step.count + i] = next;
}
`;

/** A graph of a package: with its weights on the device, and ready to run. */
export interface LoadedGraph {
  readonly held: Promise<GpuGraph>;
  whole(): Promise<GpuGraph>;
}

export interface Loop {
  sample(job: SamplingJob): Promise<SamplingResult>;
}

/** `load` loads a graph of the package; `read` brings a buffer's floats back. Kernels that are wanted last are compiled while the device is busy with a step. */
export async function createLoop(
  device: Device,
  pipelines: Pipelines,
  load: (name: string, compile?: "later") => LoadedGraph,
  read: (buffer: GPUBuffer, bytes: number) => Promise<ArrayBuffer>,
  job: SamplingJob,
): Promise<Loop> {
  const { parts } = job;
  const { sampler } = parts;
  const { queue } = device.gpu;
  const text = await load("encodeText").whole();
  const prepare = await load(sampler.prepare).whole();
  const step = await load(sampler.step).whole();
  await load("decode", "later").held;
  for (const { name } of prepare.plan.outputs) step.share(name, prepare.output(name));
  if (parts.stepTakesText) step.share(sampler.text, prepare.input(sampler.text));
  const count = parts.batch * elements(parts.clipShape);
  const latent = step.input(sampler.latent);
  const noise = await device.buffer("noise", count * 4, usage.STORAGE | usage.COPY_DST);
  const before = await device.buffer("data prediction", count * 4, usage.STORAGE | usage.COPY_DST | usage.COPY_SRC);
  const uniform = await device.buffer("sampler step", 32, usage.UNIFORM | usage.COPY_DST);
  const pipeline = await pipelines.get("advance", advanceKernel);
  const buffers = [uniform, step.output(parts.stepOutput), noise, before, latent];
  const threads = Math.ceil(count / 64);

  const advance = ({ next, data }: SamplerStep, guidance: number) => {
    const fields = new Float32Array([next.latent, next.model, next.data, next.noise, data.latent, data.model, guidance, 0]);
    new Uint32Array(fields.buffer)[7] = count;
    queue.writeBuffer(uniform, 0, fields);
    pipelines.submit(pipelines.work(pipeline, buffers, [Math.min(threads, 32768), Math.ceil(threads / 32768)]));
  };
  const settled = async () => {
    await queue.onSubmittedWorkDone();
    device.check();
  };

  const encodeText = (tokens: readonly Int32Array[]) => {
    const rows = stack(tokens.map((row) => i32([1, row.length], row)));
    let at = 0;
    const made = text.output(parts.textOutput);
    for (const piece of split(rows, parts.textBatch)) {
      queue.writeBuffer(text.input(parts.textInput), 0, piece.data as Int32Array<ArrayBuffer>);
      text.submit();
      pipelines.copy(made, prepare.input(sampler.text), 0, at, made.size);
      at += made.size;
    }
    prepare.submit();
  };

  return {
    sample: async ({ prompts, empty, steps, guidance, noise: fresh, report, signal }) => {
      throwIfAborted(signal, "sampling");
      report({ phase: "text", step: 0, steps: steps.length });
      encodeText([...prompts, ...prompts.map(() => empty)]);
      const start = fresh(0);
      for (const half of [0, 1]) queue.writeBuffer(latent, half * count * 4, start as Float32Array<ArrayBuffer>);
      queue.writeBuffer(before, 0, new Float32Array(count));
      await settled();
      for (const [i, one] of steps.entries()) {
        throwIfAborted(signal, `step ${i + 1} of ${steps.length}`);
        report({ phase: "step", step: i, steps: steps.length });
        queue.writeBuffer(step.input(sampler.time), 0, new Float32Array(2 * parts.batch).fill(one.time));
        if (one.next.noise !== 0) queue.writeBuffer(noise, 0, fresh(1 + i) as Float32Array<ArrayBuffer>);
        step.submit();
        advance(one, guidance);
        // Whether that fails is heard when it is needed.
        if (i === 0)
          load("decode")
            .whole()
            .catch(() => {});
        // One step in flight: progress is true, and an abort is heard.
        await settled();
      }
      throwIfAborted(signal, "decoding");
      report({ phase: "decode", step: steps.length, steps: steps.length });
      const decode = await orAborted(load("decode").whole(), signal, "loading");
      const frames: TensorData[] = [];
      const input = decode.input(parts.decodeInput);
      const shape = decode.plan.outputs[0];
      for (let at = 0; at < count * 4; at += input.size) {
        pipelines.copy(latent, input, at, 0, input.size);
        decode.submit();
        const bytes = await read(decode.output(parts.decodeOutput), shape?.bytes ?? 0);
        const data = new Float32Array(bytes).subarray(0, elements(parts.decodeShape));
        frames.push(f32(parts.decodeShape, data));
      }
      return { latent: f32([parts.batch, ...parts.clipShape], new Float32Array(await read(latent, count * 4))), frames };
    },
  };
}
