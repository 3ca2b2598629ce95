/** A clip's known part to what the device puts into its latent after each step. */

import type { KeptPart } from "../clips/keeping.ts";
import type { Level } from "../sampler/level.ts";
import { type Device, usage } from "./device.ts";
import type { Pipelines } from "./pipelines.ts";
import { gridOf, keepKernel } from "./update-kernels.ts";

export interface Keep {
  /** What the next steps keep. */
  begin(kept: KeptPart | undefined): Promise<void>;
  /** Puts it into the latent at a noise level; nothing where nothing is kept. */
  apply(level: Pick<Level, "signal" | "noise">): void;
}

const floatBytes = 4;

/** `latent` is the step's input: the latent of all clips, once for each half. Nothing is made before a clip keeps something. */
export function createKeep(device: Device, pipelines: Pipelines, latent: GPUBuffer, halves: 1 | 2, count: number): Keep {
  const { queue } = device.gpu;
  let held: { readonly pipeline: GPUComputePipeline; readonly fields: GPUBuffer; readonly part: GPUBuffer } | undefined;
  let keeps = false;
  return {
    begin: async (kept) => {
      keeps = kept !== undefined;
      if (kept === undefined) return;
      held ??= {
        pipeline: await pipelines.get(`keep ${halves}`, keepKernel(halves)),
        fields: await device.buffer("level of what is kept", 16, usage.UNIFORM | usage.COPY_DST),
        part: await device.buffer("what is kept", 3 * count * floatBytes, usage.STORAGE | usage.COPY_DST),
      };
      const { part } = held;
      for (const [i, values] of [kept.latent, kept.noise, kept.keep].entries()) {
        queue.writeBuffer(part, i * count * floatBytes, values as Float32Array<ArrayBuffer>);
      }
    },
    apply: ({ signal, noise }) => {
      if (!keeps || held === undefined) return;
      const fields = new Float32Array([signal, noise, 0, 0]);
      new Uint32Array(fields.buffer)[2] = count;
      queue.writeBuffer(held.fields, 0, fields);
      pipelines.submit(pipelines.work(held.pipeline, [held.fields, held.part, latent], gridOf(count)));
    },
  };
}
