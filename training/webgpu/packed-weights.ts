/** A stage's weights to the buffers that its plan reads: the frozen ones once, the trained ones anew from their flat vectors after each step. */

import type { WeightPart } from "../../compiler/package/plan.ts";
import { type Device, usage } from "../../runtime/webgpu/device.ts";
import { packBytes, packFields, packGrid, packKernel } from "../../runtime/webgpu/pack.ts";
import { type Encode, encodeAll, type Pipelines } from "../../runtime/webgpu/pipelines.ts";
import type { WeightStore } from "../../runtime/webgpu/weights.ts";

/** Where a trained weight lies row-major on the device, in elements. */
export interface Source {
  readonly buffer: GPUBuffer;
  readonly start: number;
}

interface Target {
  readonly part: WeightPart;
  readonly buffer: GPUBuffer;
}

export interface PackedWeights extends WeightStore {
  /** Packs what is trained as it lies in the flat vectors then. */
  readonly pack: Encode;
}

/** WebGPU's offsets of uniforms are multiples of this. */
const uniformStride = 256;

export function packedWeights(
  device: Device,
  pipelines: Pipelines,
  trained: ReadonlyMap<string, Source>,
  frozen: ReadonlyMap<string, Float32Array>,
): PackedWeights {
  const { queue } = device.gpu;
  const works: Encode[] = [];
  const worksOf = async (parts: readonly (readonly [Source, Target])[]) => {
    const pipeline = await pipelines.get("pack", packKernel);
    const fields = await device.buffer("parts of weights", parts.length * uniformStride, usage.UNIFORM | usage.COPY_DST);
    const made = parts.map(([{ buffer: source, start }, { part, buffer }], i) => {
      queue.writeBuffer(fields, i * uniformStride, packFields(part, start));
      const own = { buffer: fields, offset: i * uniformStride, size: packBytes };
      return pipelines.work(pipeline, [own, source, buffer], packGrid(part));
    });
    return { fields, made };
  };
  const packFrozen = async (targets: ReadonlyMap<string, readonly Target[]>): Promise<void> => {
    if (targets.size === 0) return;
    const largest = [...targets.keys()].reduce((most, path) => Math.max(most, valuesOf(path).byteLength), 0);
    const staging = await device.buffer("staging", largest, usage.STORAGE | usage.COPY_DST);
    const source: Source = { buffer: staging, start: 0 };
    const { fields, made } = await worksOf([...targets.values()].flat().map((target) => [source, target]));
    let done = 0;
    for (const [path, { length }] of targets) {
      queue.writeBuffer(staging, 0, valuesOf(path) as Float32Array<ArrayBuffer>);
      const own = made.slice(done, done + length);
      done += length;
      pipelines.submit((pass) => encodeAll(own, pass));
    }
    await queue.onSubmittedWorkDone();
    device.check();
    for (const buffer of [staging, fields]) device.free(buffer);
  };
  const valuesOf = (path: string): Float32Array => {
    const values = frozen.get(path);
    if (values === undefined) throw new Error(`training: there is no weight ${path}`);
    return values;
  };
  return {
    load: async (_, wanted) => {
      const [own, others]: [(readonly [Source, Target])[], Map<string, Target[]>] = [[], new Map()];
      const buffers: GPUBuffer[] = [];
      for (const { label, bytes, parts } of wanted) {
        const buffer = await device.buffer(label, bytes, usage.STORAGE | usage.COPY_DST);
        buffers.push(buffer);
        for (const part of parts) {
          const source = part.path === undefined ? undefined : trained.get(part.path);
          if (part.constant !== undefined) queue.writeBuffer(buffer, part.start * 4, Float32Array.from(part.constant));
          else if (source !== undefined) own.push([source, { part, buffer }]);
          else if (part.path !== undefined) others.set(part.path, [...(others.get(part.path) ?? []), { part, buffer }]);
        }
      }
      await packFrozen(others);
      if (own.length > 0) works.push(...(await worksOf(own)).made);
      return buffers;
    },
    pack: (pass) => encodeAll(works, pass),
  };
}
