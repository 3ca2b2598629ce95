/** A sampler's steps to what the device does between two runs of the network: guidance, limits and the step's matrix. */

import { mixWidth, register } from "../sampler/mix.ts";
import type { SamplerStep } from "../sampler/step.ts";
import { type Device, usage } from "./device.ts";
import type { Pipelines } from "./pipelines.ts";
import { advanceKernel, gridOf, guideKernel, rescaleKernel, thresholdKernel } from "./update-kernels.ts";

export interface UpdateParts {
  /** The step's input: the latent of all clips, once for each half. */
  readonly latent: GPUBuffer;
  /** What the step's network gives. */
  readonly output: GPUBuffer;
  readonly halves: 1 | 2;
  readonly clips: number;
  /** Numbers of the latents of all clips. */
  readonly count: number;
}

/** Of a step: the weight of the guided half, and φ of the rescaling, 0 for none. */
export interface StepGuidance {
  readonly weight: number;
  readonly rescale: number;
}

export interface Update {
  /** Begins with a latent, and with registers that hold nothing. */
  begin(start: Float32Array, registers: number): Promise<void>;
  /** Takes the latent a step on; `noise` where the step takes any. */
  advance(step: SamplerStep, guidance: StepGuidance, noise: Float32Array | undefined): void;
}

const floatBytes = 4;

export async function createUpdate(device: Device, pipelines: Pipelines, parts: UpdateParts): Promise<Update> {
  const { latent, output, halves, clips, count } = parts;
  const { queue } = device.gpu;
  const floats = (what: string, size: number, flags = usage.STORAGE | usage.COPY_DST) => device.buffer(what, size * floatBytes, flags);
  const uniform = (what: string, size: number) => floats(what, size, usage.UNIFORM | usage.COPY_DST);
  const write = (buffer: GPUBuffer, data: Float32Array, at = 0) => queue.writeBuffer(buffer, at, data as Float32Array<ArrayBuffer>);
  const noiseBuffer = await floats("noise", count);
  const bounds = await floats("bounds of data", 2 * clips);
  const model = halves === 1 ? output : await floats("guided output", count);
  const [guideFields, thresholdFields] = [await uniform("guidance", 4), await uniform("threshold", 8)];
  const guide = halves === 1 ? undefined : await pipelines.get("guide", guideKernel);
  const rescaleFields = await uniform("rescaled guidance", 4);
  const rescale = await pipelines.get("rescale", rescaleKernel);
  const threshold = await pipelines.get("threshold", thresholdKernel);
  let kept: GPUBuffer | undefined;
  let stage: { readonly pipeline: GPUComputePipeline; readonly fields: GPUBuffer; readonly registers: number } | undefined;

  /** Whole numbers lie among the floats of a uniform. */
  const fieldsOf = (values: readonly number[], whole: readonly number[]) => {
    const fields = new Float32Array(values.length + whole.length);
    fields.set(values);
    new Uint32Array(fields.buffer).set(whole, values.length);
    return fields;
  };

  /** Writes ±range and the divisor of each clip's data. */
  const bound = (step: SamplerStep) => {
    const limit = step.data?.limit;
    if (limit?.kind !== "threshold") {
      const range = limit?.range ?? 1;
      return write(
        bounds,
        Float32Array.from({ length: 2 * clips }, (_, i) => (i % 2 === 0 ? range : 1)),
      );
    }
    const place = limit.ratio * (count / clips - 1);
    const below = Math.floor(place);
    const [ofLatent = 0, ofModel = 0] = step.data?.mix ?? [];
    write(thresholdFields, fieldsOf([ofLatent, ofModel, place - below, limit.most], [below, count / clips]));
    pipelines.submit(pipelines.work(threshold, [thresholdFields, model, latent, bounds], [clips, 1]));
  };

  return {
    begin: async (start, registers) => {
      if (stage?.registers !== registers) {
        const pipeline = await pipelines.get(`advance ${halves} ${registers}`, advanceKernel(halves, registers));
        if (stage !== undefined) device.free(stage.fields);
        if (kept !== undefined) device.free(kept);
        [stage, kept] = [undefined, undefined];
        stage = { pipeline, fields: await uniform("sampler step", mixWidth * (registers + 1) + 4), registers };
        kept = registers === 0 ? undefined : await floats("registers", registers * count);
      }
      for (let half = 0; half < halves; half++) write(latent, start, half * count * floatBytes);
      if (kept !== undefined) write(kept, new Float32Array(registers * count));
    },
    advance: (step, guidance, noise) => {
      if (stage === undefined) throw new Error("webgpu: a step before its loop has begun");
      if (noise !== undefined) write(noiseBuffer, noise);
      if (guide !== undefined) {
        write(guideFields, fieldsOf([guidance.weight], [count]));
        pipelines.submit(pipelines.work(guide, [guideFields, output, model], gridOf(count)));
        if (guidance.rescale !== 0) {
          write(rescaleFields, fieldsOf([guidance.rescale], [count / clips]));
          pipelines.submit(pipelines.work(rescale, [rescaleFields, output, model], [clips, 1]));
        }
      }
      bound(step);
      const { pipeline, fields, registers } = stage;
      const [ofLatent = 0, ofModel = 0] = step.data?.mix ?? [];
      const rows = Array.from({ length: registers + 1 }, (_, i) => step.rows[i] ?? register(i - 1));
      write(fields, fieldsOf([...rows.flat(), ofLatent, ofModel], [count, count / clips]));
      const buffers = [fields, model, noiseBuffer, bounds, latent, ...(kept === undefined ? [] : [kept])];
      pipelines.submit(pipelines.work(pipeline, buffers, gridOf(count)));
    },
  };
}
